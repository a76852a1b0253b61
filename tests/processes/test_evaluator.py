"""The evaluator's steps on a real database: states, incidents, and heals from planned to verified."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.log import Log
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.heal import HealState
from healthmon.model.incident import IncidentResolution
from healthmon.model.status import ServiceStatus
from healthmon.model.target import Incarnation, TargetState
from healthmon.processes.evaluator import Evaluator
from healthmon.store import checks, heals, incidents, probe_requests, services, states, targets
from healthmon.store.connection import Connection, open_for_writing
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_check, a_config, a_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

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

    def __init__(self, path: Path, **self_healing: Any) -> None:
        self.now = NOW
        self.config = a_config(
            path,
            {"name": "doc_store", "url": "http://localhost:1", "critical": True},
            {"name": "frontend", "url": "http://localhost:2", "depends_on": ["doc_store"]},
            self_healing=EAGER | self_healing,
        )
        self.connection: Connection = open_for_writing(self.config.paths.database)
        services.sync(self.connection, [("doc_store", "default", True), ("frontend", "default", False)], now=NOW)
        self.evaluator = self.a_new_evaluator()

    def a_new_evaluator(self) -> Evaluator:
        return Evaluator(self.config, self.connection, Log("evaluator"))

    def look(self, reason: CheckReason, kind: CheckKind = CheckKind.SCHEDULED, service_id: int = 1) -> None:
        self.now += timedelta(seconds=1)
        checks.append(self.connection, [a_check(reason, at=self.now, kind=kind, service_id=service_id)])

    def step(self) -> float:
        self.evaluator._next_due = 0.0
        return self.evaluator.step()

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


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path)
    monkeypatch.setattr(clock, "now", lambda: made.now)
    yield made
    made.connection.close()


def status_of(world: World, service_id: int = 1) -> ServiceStatus:
    return states.load(world.connection)[service_id].status


def test_a_confirmed_failure_opens_one_incident_that_a_good_look_resolves(world: World) -> None:
    world.look(GOOD)
    world.fail()
    [incident] = incidents.open_incidents(world.connection)
    assert (incident.reason, status_of(world)) == (BAD, ServiceStatus.UNHEALTHY)
    assert incident.started_at == NOW + timedelta(seconds=2)
    world.look(GOOD)
    world.step()
    [resolved] = incidents.recent(world.connection, limit=5)
    assert (resolved.resolution, resolved.resolved_at) == (IncidentResolution.RECOVERED, world.now)


def test_each_check_is_evaluated_exactly_once_over_a_crash_in_the_transaction(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.look(GOOD)
    world.step()
    world.look(BAD)
    with monkeypatch.context() as crash:
        crash.setattr(checks, "delete_inbox_until", _crash)
        with pytest.raises(RuntimeError):
            world.step()
    assert states.load(world.connection)[1].consecutive_failures == 0
    world.step()
    world.step()
    assert states.load(world.connection)[1].consecutive_failures == 1
    assert checks.read_inbox(world.connection, limit=1) == []


def test_a_new_evaluator_goes_on_where_the_last_one_was(world: World) -> None:
    world.look(GOOD)
    world.look(BAD)
    world.step()
    world.evaluator = world.a_new_evaluator()
    world.look(BAD, CheckKind.RECHECK)
    world.look(BAD, CheckKind.RECHECK)
    world.step()
    assert status_of(world) is ServiceStatus.UNHEALTHY
    world.evaluator = world.a_new_evaluator()
    world.look(BAD)
    world.step()
    assert len(incidents.recent(world.connection, limit=5)) == 1


def test_uptime_counts_the_outage_from_its_first_failed_look(world: World) -> None:
    world.look(GOOD)
    world.now += timedelta(seconds=1)
    world.fail()
    world.look(GOOD)
    world.step()
    uptime = states.uptimes(world.connection)[1]
    assert uptime.percentage == pytest.approx(100 * 2 / 5, abs=0.01)
    assert uptime.coverage == 100.0


def test_a_heal_is_planned_carried_out_and_verified(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    assert world.heal_states() == ["planned"]
    world.return_heal("later")
    world.step()
    assert set(probe_requests.standing(world.connection, now=world.now)) == {1}
    for _ in range(3):
        world.look(GOOD, CheckKind.REQUESTED)
    world.step()
    assert world.heal_states() == ["verified"]
    [incident] = incidents.recent(world.connection, limit=5)
    assert incident.resolution is IncidentResolution.HEALED
    assert probe_requests.standing(world.connection, now=world.now) == {}


def test_a_restart_that_does_not_help_is_tried_again_after_the_cooldown_and_then_quarantined(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    starts: list[datetime] = []
    for attempt in range(3):
        starts.append(world.now)
        world.return_heal(f"start {attempt}")
        world.step()
        for _ in range(10):
            world.now += timedelta(seconds=30)
            world.look(BAD)
            world.step()
    assert world.heal_states() == ["failed"] * 3
    assert all(later - earlier >= timedelta(minutes=5) for earlier, later in pairwise(starts))
    [incident] = incidents.open_incidents(world.connection)
    assert incident.quarantined_at is not None
    assert world.connection.rows("SELECT alert_type, severity, status FROM alerts") == [
        ("healing_quarantined", "critical", "firing"),
    ]
    world.look(GOOD)
    world.step()
    assert world.connection.rows("SELECT status FROM alerts") == [("resolved",)]


def test_a_relapse_gets_no_fresh_attempts_before_it_was_healthy_long_enough(world: World) -> None:
    world.look(GOOD)
    world.fail()
    world.look(GOOD)
    world.step()
    world.now += timedelta(minutes=9)
    world.fail()
    first, second = reversed(incidents.recent(world.connection, limit=5))
    assert second.episode_started_at == first.started_at
    world.look(GOOD)
    world.step()
    world.now += timedelta(minutes=11)
    world.fail()
    third = incidents.recent(world.connection, limit=1)[0]
    assert third.episode_started_at == third.started_at


def test_a_service_that_recovers_before_its_restart_is_not_restarted(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    world.look(GOOD)
    world.step()
    assert world.heal_states() == ["dropped"]


def test_a_restart_by_somebody_else_voids_the_evidence(world: World) -> None:
    world.publish(state=TargetState.PAUSED)
    world.look(GOOD)
    world.fail()
    assert world.heal_states() == []
    world.publish(incarnation=Incarnation(target_id="c" * 64, started="theirs"), started_at=world.now)
    world.step()
    assert states.load(world.connection)[1].evidence_failures == 0
    world.look(BAD)
    world.look(BAD)
    world.step()
    assert world.heal_states() == []
    world.look(BAD)
    world.step()
    assert world.heal_states() == ["planned"]


def test_a_dependent_is_held_while_its_dependency_is_ill(world: World) -> None:
    world.look(GOOD)
    world.look(GOOD, service_id=2)
    world.fail()
    report = TargetReport(observed_at=world.now, target=a_target(), matched_by="port")
    targets.publish(world.connection, {2: report})
    world.fail(service_id=2)
    assert world.heal_states() == []


def test_a_dry_run_records_what_it_would_do_and_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, dry_run=True)
    monkeypatch.setattr(clock, "now", lambda: world.now)
    world.publish()
    world.look(GOOD)
    world.fail()
    world.step()
    assert world.heal_states() == ["would_restart"]
    assert heals.open_heals(world.connection) == []
    world.connection.close()


def test_a_service_that_nobody_looks_at_any_more_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.look(GOOD)
    world.step()
    monkeypatch.setattr("healthmon.processes.evaluator.watching.BLIND_AFTER_INTERVALS", -1)
    world.step()
    assert status_of(world) is ServiceStatus.UNKNOWN
    assert incidents.recent(world.connection, limit=5) == []


def test_a_heal_nobody_can_verify_is_inconclusive(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    world.return_heal("later")
    world.now += timedelta(seconds=31)
    world.step()
    assert world.heal_states() == [HealState.INCONCLUSIVE.value]


def _crash(*_: object) -> None:
    raise RuntimeError("the power is gone")
