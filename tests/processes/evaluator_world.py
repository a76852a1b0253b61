"""One evaluator on one real database, with clocks that the test moves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.log import Log
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.target import Incarnation
from healthmon.processes.evaluator import Evaluator
from healthmon.store import checks, heals, services, targets
from healthmon.store.opening import create_or_open
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_check, a_config, a_target, switched_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from healthmon.store.connection import Connection

GOOD, BAD = CheckReason.OK, CheckReason.STATUS
EAGER = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "min_unhealthy_seconds": 0,
    "start_grace_seconds": 0,
    "startup_hold_seconds": 0,
    "engine_settle_seconds": 0,
}


class World:
    """One evaluator on one database, with a clock that the test moves."""

    def __init__(self, path: Path, *, settings: dict[str, Any] | None = None, **self_healing: Any) -> None:
        self.now = NOW
        self.jumped_s = self.suspended_s = 0.0
        self.config = a_config(
            path,
            {"name": "doc_store", "url": "http://localhost:1", "critical": True},
            {"name": "frontend", "url": "http://localhost:2", "depends_on": ["doc_store"]},
            self_healing=EAGER | self_healing,
            **{"alert_rules": [], "max_consecutive_failures": 1_000_000} | (settings or {}),
        )
        self.connection: Connection = create_or_open(self.config.paths.database)
        services.sync(self.connection, [("doc_store", "default", True), ("frontend", "default", False)], now=NOW)
        self.evaluator = self.a_new_evaluator()

    def a_new_evaluator(self) -> Evaluator:
        return Evaluator(self.config, self.connection, Log("evaluator"))

    def look(self, reason: CheckReason, kind: CheckKind = CheckKind.SCHEDULED, service_id: int = 1, response_time_s: float = 0.01) -> None:
        self.now += timedelta(seconds=1)
        error = None if reason is GOOD else "expected 200, got 500 Internal Server Error"
        look = a_check(reason, at=self.now, kind=kind, service_id=service_id, response_time_s=response_time_s, error_message=error)
        checks.append(self.connection, [look])

    def monotonic(self) -> float:
        """Goes with the wall clock, as long as the test does not set only that."""
        return 10_000.0 + (self.now - NOW).total_seconds() - self.jumped_s

    def set_clocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: self.now)
        monkeypatch.setattr(clock, "monotonic", self.monotonic)
        monkeypatch.setattr(clock, "boottime", lambda: self.monotonic() + self.suspended_s)

    def set_clock(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self.now += timedelta(seconds=seconds)
        self.jumped_s += seconds

    def suspend(self, seconds: float) -> None:
        self.set_clock(seconds)
        self.suspended_s += seconds

    def step(self) -> float:
        self.evaluator._next_due = 0.0
        return self.evaluator.step()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in which nobody is looked at."""
        self.now += timedelta(seconds=seconds)
        self.evaluator._watching._arrived = dict.fromkeys(self.evaluator._watching._arrived, self.monotonic())
        self.step()

    def fail(self, service_id: int = 1) -> None:
        """One scheduled failure and its two confirmations."""
        self.look(BAD, service_id=service_id)
        for _ in range(2):
            self.look(BAD, CheckKind.RECHECK, service_id=service_id)
        self.step()

    def publish(self, **changes: Any) -> None:
        target = a_target(**{"observed_at": self.now} | changes)
        targets.publish(self.connection, {1: TargetReport(observed_at=self.now, target=target, matched_by="container")})

    def return_heal(self, started: str) -> Incarnation:
        """What the healer does, from planned to returned."""
        [heal] = heals.open_heals(self.connection)
        new = Incarnation(target_id=heal.incarnation.target_id, started=started)
        heals.issue(self.connection, heal.heal_id, at=self.now)
        heals.mark_returned(self.connection, heal.heal_id, at=self.now, new=new, detail="restarted")
        self.now += timedelta(seconds=1)
        self.publish(incarnation=new, started_at=self.now)
        return new

    def heal_states(self) -> list[str]:
        return [heal.state.value for heal in reversed(heals.recent(self.connection, limit=20))]


def a_world(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The body of a fixture."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(clock, "monotonic", lambda: 10_000.0)
    monkeypatch.setattr(clock, "boottime", lambda: 10_000.0)
    made = World(path)
    made.set_clocks(monkeypatch)
    yield made
    made.connection.close()


def patient(path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with the clocks that users get, whose agent and container have run for an hour."""
    world = World(path)
    settings = {"interval_seconds": 30.0, "timeout_seconds": 10.0, "retry_interval_seconds": 2.0}
    services_ = tuple(service.model_copy(update=settings) for service in world.config.services)
    world.config = world.config.model_copy(update={"services": services_, "self_healing": switched_on()})
    world.set_clocks(monkeypatch)
    world.evaluator = world.a_new_evaluator()
    world.publish(started_at=NOW - timedelta(hours=1))
    world.look(GOOD)
    world.look(GOOD, service_id=2)
    world.step()
    world.pass_time(3_600)
    return world
