"""The evaluator's steps on a real database: states, incidents, and heals from planned to verified."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import apsw
import pytest

from healthmon.errors import StoreBusyError
from healthmon.model.check import CheckKind
from healthmon.model.heal import HealState
from healthmon.model.incident import IncidentResolution
from healthmon.model.status import ServiceStatus
from healthmon.model.target import Incarnation, TargetState
from healthmon.store import checks, heals, incidents, probe_requests, sentinel, services, states, targets
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_config, a_target
from tests.processes.evaluator_world import BAD, EAGER, GOOD, World, a_world, patient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from a_world(tmp_path, monkeypatch)



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


def test_what_a_locked_database_refuses_is_not_said_until_it_is_stored(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="healthmon")
    world.look(GOOD)
    world.connection._db.set_busy_timeout(0)
    foreign = apsw.Connection(str(world.config.paths.database))
    foreign.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        with pytest.raises(StoreBusyError):
            world.step()
    assert caplog.messages == []
    foreign.execute("ROLLBACK")
    foreign.close()
    world.step()
    assert [message.split()[1] for message in caplog.messages] == ["service_healthy"]


def test_it_works_again_only_when_the_disk_takes_a_write(world: World) -> None:
    """After a failed step it begins with one: to read goes well on a full disk, and would be taken for the end of it."""
    world.step()
    written = world.connection._db.total_changes()
    world.evaluator._loaded = False
    world.step()
    assert world.connection._db.total_changes() > written


def test_how_far_the_history_reaches_is_noted(world: World) -> None:
    world.config.paths.runtime.mkdir()
    sentinel.write(world.config.paths, sentinel.Sentinel(created_at=NOW))
    world.look(GOOD)
    world.step()
    known = sentinel.read(world.config.paths)
    assert known is not None
    assert known.written_until == world.now


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
    assert world.connection.rows("SELECT alert_type, severity, status FROM alerts WHERE alert_type = 'healing_quarantined'") == [
        ("healing_quarantined", "critical", "firing"),
    ]
    world.look(GOOD)
    world.step()
    assert world.connection.rows("SELECT status FROM alerts WHERE alert_type = 'healing_quarantined'") == [("resolved",)]


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


def test_failures_of_the_container_that_had_the_name_before_are_no_evidence(world: World) -> None:
    """The one that has it now may have started long ago."""
    world.publish(state=TargetState.PAUSED)
    world.look(GOOD)
    world.fail()
    other = a_target(incarnation=Incarnation(target_id="d" * 64, started="long ago"), observed_at=world.now)
    report = TargetReport(observed_at=world.now, target=other, matched_by="container", matched_since=world.now)
    targets.publish(world.connection, {1: report})
    world.step()
    assert states.load(world.connection)[1].evidence_failures == 0
    assert world.heal_states() == []


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
    world.set_clocks(monkeypatch)
    world.evaluator = world.a_new_evaluator()
    world.publish()
    world.look(GOOD)
    world.fail()
    world.step()
    assert world.heal_states() == ["would_restart"]
    assert heals.open_heals(world.connection) == []
    world.connection.close()


def test_a_service_that_nobody_looks_at_any_more_is_unknown(world: World) -> None:
    world.look(GOOD)
    world.step()
    world.now += timedelta(seconds=3.5)
    world.step()
    assert status_of(world) is ServiceStatus.HEALTHY
    world.now += timedelta(seconds=1)
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


def test_a_blip_that_is_over_is_looked_at_again_and_not_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures at 0, 2 and 4 s, and then nothing until the floor of 20 s has passed."""
    world = patient(tmp_path, monkeypatch)
    world.fail()
    world.pass_time(25)
    assert world.heal_states() == []
    assert set(probe_requests.standing(world.connection, now=world.now)) == {1}
    world.look(GOOD, CheckKind.REQUESTED)
    world.step()
    assert world.heal_states() == []
    assert incidents.open_incidents(world.connection) == []


def test_what_still_fails_at_the_last_look_is_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = patient(tmp_path, monkeypatch)
    world.fail()
    world.pass_time(25)
    world.look(BAD, CheckKind.REQUESTED)
    world.step()
    assert world.heal_states() == ["planned"]


def test_failures_during_a_pause_are_no_evidence_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = patient(tmp_path, monkeypatch)
    world.publish(state=TargetState.PAUSED, started_at=NOW - timedelta(hours=1))
    world.fail()
    world.pass_time(40)
    world.publish(started_at=NOW - timedelta(hours=1))
    world.step()
    assert world.heal_states() == []
    world.look(GOOD)
    world.step()
    assert incidents.open_incidents(world.connection) == []


def test_a_dependent_is_not_restarted_on_what_failed_while_its_root_was_ill(world: World) -> None:
    world.look(GOOD)
    world.look(GOOD, service_id=2)
    world.publish()
    other = a_target(incarnation=Incarnation(target_id="d" * 64, started="x"), name="hackathon-frontend-1")
    targets.publish(world.connection, {2: TargetReport(observed_at=world.now, target=other, matched_by="container")})
    world.fail()
    world.fail(service_id=2)
    world.return_heal("later")
    world.look(GOOD, CheckKind.REQUESTED)
    world.step()
    assert world.heal_states() == ["returned"]
    assert incidents.open_incidents(world.connection)[-1].healing == "waits for what it depends on (doc_store)"
    for _ in range(2):
        world.look(GOOD, CheckKind.REQUESTED)
    world.step()
    world.step()
    assert world.heal_states() == ["verified"]
    world.look(GOOD, service_id=2)
    world.step()
    assert incidents.open_incidents(world.connection) == []
    assert world.heal_states() == ["verified"]


def test_two_services_on_one_container_restart_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    services_ = tuple(service.model_copy(update={"depends_on": ()}) for service in world.config.services)
    world.config = world.config.model_copy(update={"services": services_})
    world.set_clocks(monkeypatch)
    world.evaluator = world.a_new_evaluator()
    world.publish()
    targets.publish(world.connection, {2: TargetReport(observed_at=world.now, target=a_target(), matched_by="port")})
    world.look(GOOD)
    world.look(GOOD, service_id=2)
    for service_id in (1, 2):
        for _ in range(3):
            world.look(BAD, service_id=service_id)
    world.look(BAD)
    world.look(BAD, service_id=2)
    world.step()
    world.step()
    assert world.heal_states() == ["planned"]
    world.connection.close()


def test_nothing_is_planned_on_half_of_a_backlog(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.processes.evaluator.BATCH", 4)
    world.publish()
    for reason in (GOOD, BAD, BAD, BAD, GOOD):
        world.look(reason)
    while world.step() == 0.0:
        pass
    assert world.heal_states() == []


def test_a_dry_run_raises_no_alert_about_restarts_that_were_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, dry_run=True, restart_cooldown_minutes=0, max_restart_attempts=1)
    world.set_clocks(monkeypatch)
    world.evaluator = world.a_new_evaluator()
    world.publish()
    world.look(GOOD)
    world.fail()
    world.look(BAD)
    world.step()
    [incident] = incidents.open_incidents(world.connection)
    assert (incident.quarantined_at, incident.healing) == (None, "dry run: has given up, for restarts did not help; a person has to look (1 of 1)")
    assert world.connection.rows("SELECT 1 FROM alerts") == []
    world.connection.close()


def test_the_incident_of_a_service_that_was_removed_is_closed_as_that(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    left = tuple(service for service in world.config.services if service.name != "doc_store")
    world.config = world.config.model_copy(update={"services": left})
    world.evaluator = world.a_new_evaluator()
    world.step()
    [incident] = incidents.recent(world.connection, limit=5)
    assert incident.resolution is IncidentResolution.REMOVED
    world.evaluator.step()
    assert world.heal_states() == ["dropped"]


def test_the_heal_of_a_service_that_was_removed_is_closed_without_a_verdict(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    world.return_heal("later")
    left = tuple(service for service in world.config.services if service.name != "doc_store")
    world.config = world.config.model_copy(update={"services": left})
    world.evaluator = world.a_new_evaluator()
    world.step()
    assert world.heal_states() == ["inconclusive"]


def test_services_that_a_person_stopped_make_no_storm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    more = [{"name": f"s{n}", "url": "http://localhost:3"} for n in range(4)]
    world.config = a_config(tmp_path, {"name": "doc_store", "url": "http://localhost:1"}, *more, self_healing=EAGER)
    names = [service.name for service in world.config.services]
    ids = services.sync(world.connection, [(name, "default", False) for name in names], now=NOW)
    world.set_clocks(monkeypatch)
    world.evaluator = world.a_new_evaluator()
    stopped = {}
    for number, name in enumerate(names[1:4]):
        target = a_target(incarnation=Incarnation(target_id=str(number) * 64, started="x"), stopped_by_person=True)
        stopped[ids[name].service_id] = TargetReport(observed_at=NOW, target=target, matched_by="container")
    targets.publish(world.connection, stopped)
    world.publish()
    for name in names:
        world.look(GOOD, service_id=ids[name].service_id)
    for name in names[1:4]:
        world.fail(service_id=ids[name].service_id)
    world.fail()
    assert world.heal_states() == ["planned"]
    world.connection.close()


def _crash(*_: object) -> None:
    raise RuntimeError("the power is gone")


def test_days_without_an_agent_are_booked_as_not_seen(world: World) -> None:
    """More hours at once than the uptime of a day needs."""
    world.look(GOOD)
    world.step()
    world.now += timedelta(days=3)
    world.evaluator = world.a_new_evaluator()
    world.look(GOOD)
    world.step()
    [row] = world.connection.rows("SELECT count(*), round(sum(unknown_s) / 3600) FROM service_hours WHERE service_id = 1")
    assert row == (73, 72.0)
    assert status_of(world) is ServiceStatus.HEALTHY
