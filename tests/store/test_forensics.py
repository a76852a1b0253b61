"""What is kept of an ill service: wanted once a moment, kept whole, and forgotten in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.check import CheckReason
from healthmon.model.forensics import ForensicsMoment
from healthmon.model.heal import HealState
from healthmon.model.target import Incarnation
from healthmon.store import forensics, heals, incidents, services, targets
from healthmon.store.opening import create_or_open
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_bundle, a_heal, a_target, ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "core", True)], now=NOW)
    yield opened
    opened.close()


def an_open_incident(database: Connection) -> Incident:
    at = {"started_at": ago(60), "detected_at": ago(50), "episode_started_at": ago(60)}
    return incidents.open_incident(database, 1, **at, reason=CheckReason.STATUS, error_message=None)


def a_failed_heal(database: Connection, incident: Incident, **changes: object) -> int:
    heal_id = heals.add(database, a_heal(HealState.PLANNED, incident_id=incident.incident_id, planned_at=ago(30), **changes))
    heals.issue(database, heal_id, at=ago(29))
    heals.mark_returned(database, heal_id, at=ago(28), new=Incarnation(target_id="c" * 64, started="new"), detail="restarted")
    heals.close(database, heals.get(database, heal_id), HealState.FAILED, at=ago(1), detail="0 of 3")
    return heal_id


def wanted(database: Connection, since_s: float = 60) -> list[tuple[ForensicsMoment, str]]:
    return [(one.moment, one.incarnation.started) for one in forensics.wanted(database, since=ago(since_s))]


def test_an_incident_is_wanted_once_while_it_is_fresh_and_has_a_container(database: Connection) -> None:
    an_open_incident(database)
    assert wanted(database) == []
    targets.publish(database, {1: TargetReport(observed_at=NOW, target=a_target(), matched_by="container")})
    assert wanted(database, since_s=40) == []
    assert wanted(database) == [(ForensicsMoment.DETECTED, a_target().incarnation.started)]
    forensics.keep(database, a_bundle())
    assert wanted(database) == []


def test_what_was_kept_before_a_restart_is_not_followed_by_what_the_next_run_looks_like(database: Connection) -> None:
    incident = an_open_incident(database)
    targets.publish(database, {1: TargetReport(observed_at=NOW, target=a_target(), matched_by="container")})
    heal_id = heals.add(database, a_heal(HealState.PLANNED, incident_id=incident.incident_id))
    forensics.keep(database, a_bundle(moment=ForensicsMoment.BEFORE_RESTART, heal_id=heal_id))
    assert wanted(database) == []


def test_a_restart_that_failed_is_wanted_once_as_the_new_run(database: Connection) -> None:
    incident = an_open_incident(database)
    heal_id = a_failed_heal(database, incident)
    assert wanted(database) == [(ForensicsMoment.AFTER_FAILURE, "new")]
    assert wanted(database, since_s=0.5) == []
    forensics.keep(database, a_bundle(moment=ForensicsMoment.AFTER_FAILURE, heal_id=heal_id))
    assert wanted(database) == []


def test_a_program_of_our_own_has_nothing_to_keep(database: Connection) -> None:
    incident = an_open_incident(database)
    a_failed_heal(database, incident, incarnation=Incarnation(target_id="supervisor:a:b", started="1"))
    heals_target = "UPDATE heals SET new_target_id = NULL, new_started = NULL"
    database.change(heals_target)
    assert wanted(database) == []


def test_a_bundle_comes_back_as_it_was_and_the_first_of_a_moment_stays(database: Connection) -> None:
    an_open_incident(database)
    forensics.keep(database, a_bundle())
    forensics.keep(database, a_bundle(last_lines=("later",)))
    [kept] = forensics.of_incident(database, 1)
    assert replace(kept, forensics_id=0) == a_bundle()
    assert forensics.last_lines(database, 1) == ("panic: no memory",)
    assert forensics.last_lines(database, 2) == ()


def test_it_is_known_when_a_run_was_last_looked_at(database: Connection) -> None:
    an_open_incident(database)
    forensics.keep(database, a_bundle())
    assert forensics.newest_of_run(database, 1, a_target().incarnation) == NOW
    assert forensics.newest_of_run(database, 1, Incarnation(target_id="c" * 64, started="another")) is None


def test_twenty_of_a_service_and_thirty_days_are_kept(database: Connection) -> None:
    incident = an_open_incident(database)
    for number in range(25):
        heal_id = a_failed_heal(database, incident)
        taken_at = NOW + timedelta(days=number)
        forensics.keep(database, a_bundle(moment=ForensicsMoment.BEFORE_RESTART, heal_id=heal_id, taken_at=taken_at))
    assert len(forensics.of_incident(database, 1)) == forensics.KEPT_OF_A_SERVICE
    heal_id = a_failed_heal(database, incident)
    forensics.keep(database, a_bundle(moment=ForensicsMoment.BEFORE_RESTART, heal_id=heal_id, taken_at=NOW + timedelta(days=45)))
    assert next(one.taken_at for one in forensics.of_incident(database, 1)) == NOW + timedelta(days=15)
