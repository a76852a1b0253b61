"""What people say to healing and what they are shown, on a real engine: a second observer counts the restarts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.containers import Docker, Observer, wait_for
from tests.faults.agents import agent
from tests.faults.ward import IMPATIENT

if TYPE_CHECKING:

    from tests.faults.agents import Agent

PATIENT = {**IMPATIENT, "min_unhealthy_seconds": 8, "start_grace_seconds": 1}  # time enough to type
TALKS = ("sh", "-c", "echo connecting; echo API_KEY=hunter2-hunter2; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done")


def states(host: Agent) -> list[tuple[str, str | None]]:
    return [(str(state), by) for state, by in host.rows("SELECT state, asked_by FROM heals ORDER BY heal_id")]


def test_a_hold_holds_and_a_forced_restart_is_made_once_with_all_that_belongs_to_it(docker: Docker, observer: Observer) -> None:
    name = docker.name()
    container = docker.run(*TALKS, name=name)
    service: dict[str, Any] = {"name": "s", "url": "http://127.0.0.1:1/", "group": "core", "container": name}
    hooks = {"before": ["/bin/sh", "-c", "echo draining $HEALTHMON_CONTAINER"]}
    with agent([service], self_healing={**PATIENT, "hooks": hooks}) as host:
        assert host.tell("heal", "hold", "s", "--for", "1h", "--why", "a migration runs", "--by", "ada").startswith("s is not restarted until ")
        wait_for(lambda: host.rows("SELECT 1 FROM incidents WHERE healing LIKE '%ada: a migration runs%'"), timeout_s=40, what="the hold to be told")
        assert "ada: a migration runs" in host.ask("status").stdout
        told = json.loads(host.ask("heal", "explain", "s", "--json").stdout)
        assert (told["decision"]["reason"], told["agent_is_running"], told["container"]["name"]) == ("held", True, name)
        assert observer.restarts(container) == 0

        assert "add --force" in host.tell("heal", "now", "s", "--why", "it leaks", "--by", "bob")
        assert host.tell("heal", "now", "s", "--force", "--why", "it leaks", "--by", "bob").startswith(f"{name} is restarted now")
        wait_for(lambda: observer.restarts(container) == 1, timeout_s=30, what="the restart of a person")
        wait_for(lambda: states(host) == [("returned", "bob")], timeout_s=20, what="its return")
        assert host.tell("heal", "release", "s") == "s is released: it may be restarted again"
        [made] = json.loads(host.ask("heal", "history", "--json").stdout)
        story = json.loads(host.ask("incidents", "show", "1", "--json").stdout)
    assert observer.restarts(container) == 1
    assert (made["asked_by"], made["why"], made["forced"]) == ("bob", "it leaks", True)
    assert [(hook["exit_code"], hook["output"]) for hook in made["hooks"]] == [(0, f"draining {name}")]
    events = "\n".join(one["text"] for one in story["events"])
    for said in (
        "ada: hold (a migration runs): s is not restarted until",
        "bob: heal now (it leaks): refused",
        f"restart of {name} decided, for bob: forced: it leaks",
        "hook before the restart: exit code 0",
        "evidence kept when it fell ill",
    ):
        assert said in events
    kept = {part["name"]: "\n".join(part["lines"]) for part in story["forensics"][-1]["parts"]}
    assert "API_KEY=•••" in kept["log"]
    assert "Status: running" in kept["container"]
    assert "hunter2" not in json.dumps(story)
