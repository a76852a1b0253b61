"""What an outage is told to come from: a container that nobody monitors is killed under those that depend on it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.containers import IGNORES_TERM, Docker, wait_for
from tests.faults.agents import agent
from tests.faults.harness import CannotRunError, row, since
from tests.faults.rows_alerts import RULE, _are_all, _events, _Fickle
from tests.hostile import Server
from tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPOSE = "com.docker.compose"
ASKS = {"name": "asks", "condition": "memory_usage > 101", "severity": "warning"}
SAYS = ("sh", "-c", "echo connected; echo 'no redis at redis:6379' >&2; sleep 1000")


@contextmanager
def _docker() -> Iterator[Docker]:
    try:
        docker = Docker()
    except (OSError, AssertionError) as error:
        raise CannotRunError(f"no Docker Engine: {error}") from error
    try:
        yield docker
    finally:
        docker.close()


@row("C01", "a container that nobody monitors is killed: one message names it, with what the first of its dependents said last", bound_s=15)
def unmonitored_root() -> float:
    fickle = _Fickle()
    with _docker() as docker, Server(fickle) as server, Receiver() as hook:
        redis, *webs = (docker.name() for _ in range(3))
        mine = ("--label", f"{COMPOSE}.project={docker.session}")
        docker.run(*IGNORES_TERM, options=(*mine, "--label", f"{COMPOSE}.service=redis"), name=redis)
        for web in webs:
            docker.run(*SAYS, options=(*mine, "--label", f"{COMPOSE}.service={web}", "--label", f"{COMPOSE}.depends_on=redis:service_started:false"), name=web)
        services: list[dict[str, Any]] = [{"name": web, "url": server.url, "group": "g", "container": web} for web in webs]
        alerting = {"grouping": {"wait_seconds": 3}, "webhook_notifications": {"enabled": True, "url": hook.url}}
        with agent(services, alert_rules=[RULE, ASKS], alerting=alerting, max_consecutive_failures=1_000_000) as host:
            wait_for(partial(_are_all, host, "healthy"), timeout_s=30, what="all to be healthy")
            wait_for(lambda: len(host.rows("SELECT 1 FROM container_dependencies")) == len(webs), timeout_s=30, what="the dependencies")
            wait_for(lambda: len(host.rows("SELECT 1 FROM container_usage")) == len(webs), timeout_s=75, what="the memory that a rule asks for")
            docker.cli("kill", redis)
            fickle.is_ill = True
            began = time.monotonic()
            wait_for(lambda: hook.requests, timeout_s=30, what="the message")
            took = since(began)
            wait_for(partial(_are_all, host, "unhealthy"), timeout_s=30, what="both to be ill")
            docker.cli("start", redis)
            fickle.is_ill = False
            wait_for(lambda: len(hook.requests) > 1, timeout_s=30, what="the recovery")
            wait_for(lambda: host.rows("SELECT 1 FROM conversations WHERE closed_at IS NULL") == [], timeout_s=30, what="all to be told")
            assert _events(hook) == ["firing", "resolved"], f"what was said: {_events(hook)}"
            [told] = hook.requests[0].document["services"]
            assert told["because_of"].startswith("redis exited with code 137"), f"the cause is {told['because_of']}"
            assert {told["service"], *told["dependents"]} == set(webs), f"named are {told['service']} and {told['dependents']}"
            said = told["facts"].get("last log lines", "")
            lines = set(said.split(" | "))  # of two streams: which came first in a moment, Docker does not say
            assert lines == {"connected", "no redis at redis:6379"}, f"the last log lines are {said}"
            host.assert_sound()
            return took
