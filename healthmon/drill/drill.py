"""How is a drill held? A small agent of its own, with one service that is made ill: nothing that is there already is touched."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon import config as configuration
from healthmon.demo.agent import Agent
from healthmon.demo.choosing import an_ecosystem
from healthmon.demo.ecosystem import HEALING, HOST
from healthmon.drill.receiver import Receiver
from healthmon.drill.steps import RULE, Step, read_steps
from healthmon.errors import HealthmonError, UsageError
from healthmon.model.status import ServiceStatus
from healthmon.store import states
from healthmon.store.opening import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from healthmon.demo.ecosystem import Ecosystem, Member
    from healthmon.store.connection import Connection

PATIENT = "drill"
CONFIG = "drill.json"
LOOK_EVERY_S = 0.05
READY_S = 60.0
CLOCKS = {"check_interval_seconds": 1, "timeout_seconds": 0.8, "confirmations": 2, "retry_interval_seconds": 0.3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What came of it; the steps in the order in which they are waited for."""

    ill_at: datetime
    steps: tuple[Step, ...]

    @property
    def is_complete(self) -> bool:
        return all(step.at is not None for step in self.steps)

    def after_s(self, step: Step) -> float | None:
        """Return how long after it fell ill a step came."""
        return None if step.at is None else (step.at - self.ill_at).total_seconds()


def hold(directory: Path, *, docker: bool, timeout_s: float, tell: Callable[[str], None]) -> Drill:
    """Hold a drill in a directory of its own, which keeps its database and logs. `tell` hears how it goes."""
    with ExitStack() as stack:
        receiver = Receiver()
        stack.callback(receiver.close)
        ecosystem = an_ecosystem([PATIENT], docker=docker)
        stack.callback(ecosystem.close)
        source = directory / CONFIG
        _write_config(source, ecosystem.members[0], receiver)
        agent = stack.enter_context(Agent(source))
        connection = stack.enter_context(closing(_open(source, agent)))
        _wait(lambda: _is_well(connection), agent, READY_S, f"the drill's own service was not seen well within {READY_S:.0f} s")
        tell("all is well: it is made ill now")
        return _time(ecosystem, connection, receiver, agent, timeout_s)


def _time(ecosystem: Ecosystem, connection: Connection, receiver: Receiver, agent: Agent, timeout_s: float) -> Drill:
    ill_at = clock.now()
    ecosystem.make_ill(PATIENT)
    until_s = clock.monotonic() + timeout_s
    while True:
        drill = Drill(ill_at=ill_at, steps=tuple(read_steps(connection, receiver)))
        if drill.is_complete or clock.monotonic() > until_s:
            return drill
        agent.require_running()
        time.sleep(LOOK_EVERY_S)


def _write_config(source: Path, member: Member, receiver: Receiver) -> None:
    key, value = member.target
    content: dict[str, Any] = {
        **CLOCKS,
        "data_dir": str(source.parent),
        "services": [{"name": PATIENT, "url": f"http://{HOST}:{member.port}/health", "critical": True, key: value}],
        "alert_rules": [{"name": RULE, "condition": "unhealthy", "severity": "critical"}],
        "alerting": {
            "webhook_notifications": {"enabled": True, "url": receiver.url},
            "grouping": {"wait_seconds": 0, "interval_seconds": 0},
        },
        "self_healing": HEALING,
        "web": {"enabled": False},
    }
    source.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _open(source: Path, agent: Agent) -> Connection:
    database = configuration.load(source).paths.database
    until_s = clock.monotonic() + READY_S
    while True:
        agent.require_running()
        try:
            return open_for_reading(database)
        except UsageError:
            if clock.monotonic() > until_s:
                raise
            time.sleep(LOOK_EVERY_S)  # the agent is about to make it


def _is_well(connection: Connection) -> bool:
    return any(state.status is ServiceStatus.HEALTHY for state in states.load(connection).values())


def _wait(condition: Callable[[], bool], agent: Agent, timeout_s: float, problem: str) -> None:
    until_s = clock.monotonic() + timeout_s
    while not condition():
        agent.require_running()
        if clock.monotonic() > until_s:
            raise HealthmonError(problem)
        time.sleep(LOOK_EVERY_S)
