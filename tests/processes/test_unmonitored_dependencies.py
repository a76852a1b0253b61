"""A container that no service watches is stopped on a real Docker Engine: who depends on it is told in one message."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.engine import NoEngine
from healthmon.log import Log
from healthmon.model.check import CheckKind, CheckReason
from healthmon.notify.message import render
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.evaluator import Evaluator
from healthmon.processes.healer import Healer
from healthmon.store import checks, container_dependencies, incidents, outbox, services
from healthmon.store.opening import create_or_open, open_for_writing
from tests.builders import a_check, a_config
from tests.containers import IGNORES_TERM, STOPS_AT_ONCE, Docker, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.model.notification import Notification

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
DEPENDS_ON = "com.docker.compose.depends_on"
EAGER = {"min_unhealthy_seconds": 0, "start_grace_seconds": 0, "startup_hold_seconds": 0, "engine_settle_seconds": 0}


class Agent:
    """The real healer and the real evaluator on one database; the test plays the probes."""

    def __init__(self, path: Path, *containers: str) -> None:
        described = [{"name": f"web_{number}", "url": "http://localhost:1", "container": one} for number, one in enumerate(containers, 1)]
        self.config = a_config(
            path,
            *described,
            self_healing=EAGER | {"enabled": True, "restart_unhealthy_services": True},
            alert_rules=[{"name": "down", "condition": "unhealthy", "severity": "critical"}],
            alerting={"webhook_notifications": {"enabled": True, "url": "http://127.0.0.1:1/"}, "grouping": {"wait_seconds": 1}},
            max_consecutive_failures=1_000,
        )
        self.connection = create_or_open(self.config.paths.database)
        services.sync(self.connection, [(one["name"], "default", True) for one in described], now=clock.now())
        self.doorbell = Doorbell()
        theirs = open_for_writing(self.config.paths.database)
        self.healer = Healer(self.config, self.doorbell, theirs, Log("healer"), docker=DockerEngine(Log("healer")), supervisor=NoEngine("none"))
        self.evaluator = Evaluator(self.config, open_for_writing(self.config.paths.database), Log("evaluator"))

    def look(self, sid: int, reason: CheckReason) -> None:
        """One scheduled look, and two more when it fails."""
        kinds = [CheckKind.SCHEDULED, *([CheckKind.RECHECK] * 2 if reason is not CheckReason.OK else [])]
        now = clock.now()
        checks.append(self.connection, [a_check(reason, at=now + n * timedelta(milliseconds=1), kind=kind, service_id=sid) for n, kind in enumerate(kinds)])

    def step(self) -> None:
        self.healer.step()
        self.evaluator.step()

    def troubles(self) -> set[tuple[int, str]]:
        self.step()
        return {(one.service_id, one.trouble) for one in container_dependencies.load(self.connection)}

    def messages(self) -> list[Notification]:
        self.step()
        rows = self.connection.rows("SELECT notification_id FROM notifications ORDER BY notification_id")
        return [outbox.notification(self.connection, int(str(row[0]))) for row in rows]

    def close(self) -> None:
        self.healer.close()
        self.evaluator.close()
        self.connection.close()
        self.doorbell.close()


@pytest.fixture
def names(docker: Docker) -> tuple[str, str, str]:
    """Run a Redis that nobody watches, and two services that depend on it."""
    mine = ("--label", f"{PROJECT}={docker.session}")
    declares = ("--label", f"{DEPENDS_ON}=redis:service_started:false")
    redis, first, second = docker.name(), docker.name(), docker.name()
    docker.run(*IGNORES_TERM, options=(*mine, "--label", f"{SERVICE}=redis"), name=redis)
    for number, name in enumerate((first, second)):
        docker.run(*STOPS_AT_ONCE, options=(*mine, *declares, "--label", f"{SERVICE}=web{number}"), name=name)
    return redis, first, second


def test_two_services_that_need_a_stopped_container_are_one_message_that_names_it(
    docker: Docker, names: tuple[str, str, str], tmp_path: Path
) -> None:
    redis, *dependents = names
    agent = Agent(tmp_path, *dependents)
    try:
        wait_for(lambda: agent.troubles() == {(1, ""), (2, "")}, what="the dependencies")
        for sid in (1, 2):
            agent.look(sid, CheckReason.OK)
        agent.step()
        docker.cli("kill", redis)
        wait_for(lambda: agent.troubles() == {(sid, "exited with code 137, stopped by a person") for sid in (1, 2)}, what="the trouble")
        for sid in (1, 2):
            agent.look(sid, CheckReason.REFUSED)
        wait_for(agent.messages, what="a message")
        [message] = agent.messages()
        [told] = message.affected
        assert (told.service, told.dependents) == ("web_1", ("web_2",))
        assert told.because_of == "redis exited with code 137, stopped by a person"
        assert render(message, now=clock.now()).title.startswith("[CRITICAL] redis exited with code 137, stopped by a person on ")
        assert f"redis (container {redis}, not monitored)" in dict(told.facts)["because of"]
        held = {one.healing for one in incidents.open_incidents(agent.connection)}
        assert held == {"waits for what it depends on (redis exited with code 137, stopped by a person)"}
        docker.cli("start", redis)
        wait_for(lambda: agent.troubles() == {(1, ""), (2, "")}, what="redis to be back")
        for sid in (1, 2):
            agent.look(sid, CheckReason.OK)
        wait_for(lambda: len(agent.messages()) > 1, what="the recovery")
        assert [one.kind.value for one in agent.messages()] == ["firing", "resolved"]
    finally:
        agent.close()
