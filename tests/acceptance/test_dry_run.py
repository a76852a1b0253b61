"""A dry run decides by the same code as the real thing, and writes nothing to Docker: a proxy before the engine counts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import STOPS_AT_ONCE, Docker, wait_for
from tests.faults.agents import agent
from tests.faults.engine_proxy import EngineProxy
from tests.faults.ward import IMPATIENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.agents import Agent

SOCKET = Path("/var/run/docker.sock")
READS = re.compile(r"GET (/v[\d.]+)?/(version|events|containers/json|containers/[0-9a-f]{64}/(json|logs|top|stats))[ ?]")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[EngineProxy]:
    made = EngineProxy(tmp_path / "engine.sock", SOCKET)
    yield made
    made.close()


def states(host: Agent) -> list[str]:
    return [str(row[0]) for row in host.rows("SELECT state FROM heals ORDER BY heal_id")]


def an_ill_service(docker: Docker) -> dict[str, Any]:
    """Return a service that nobody answers for, with a container of its own."""
    name = docker.name()
    docker.run(*STOPS_AT_ONCE, name=name)
    return {"name": "s", "url": "http://127.0.0.1:1/", "group": "core", "container": name}


@pytest.mark.parametrize("dry_run", [True, False])
def test_in_a_dry_run_the_engine_is_only_read(docker: Docker, proxy: EngineProxy, *, dry_run: bool) -> None:
    service = an_ill_service(docker)
    before = docker.inspect(service["container"])["State"]["StartedAt"]
    with agent([service], self_healing={**IMPATIENT, "dry_run": dry_run}, environment={"DOCKER_HOST": proxy.host}) as host:
        if not dry_run:
            wait_for(lambda: {"returned", "verified", "failed"} & {*states(host)}, timeout_s=60, what="a restart")
        else:
            wait_for(lambda: len(states(host)) > 1, timeout_s=60, what="two decisions")
            assert host.tell("heal", "now", "s", "--force", "--why", "to see", "--by", "ada") == f"dry run: {service['container']} would be restarted, and is not"
        told = json.loads(host.ask("heal", "history", "s", "--json").stdout)
        shown = host.ask("heal", "history").stdout
    written = [line for line in proxy.lines if not READS.match(line)]
    if dry_run:
        assert written == []
        assert {one["state"] for one in told} == {"would_restart"}
        assert [one["attempt"] for one in told if one["asked_by"] is None][-2:] == [2, 1]
        assert all(one["evidence"]["failed_checks"] >= 3 for one in told if one["asked_by"] is None)
        assert "would restart" in shown
        assert docker.inspect(service["container"])["State"]["StartedAt"] == before
    else:
        assert written
        assert all(re.match(r"POST (/v[\d.]+)?/containers/[0-9a-f]{64}/restart\?", line) for line in written), written
        assert docker.inspect(service["container"])["State"]["StartedAt"] != before
