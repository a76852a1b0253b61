"""When was each of many incidents acknowledged?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.alert import AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.store import conversations, incidents, outcomes, services
from healthmon.store.opening import create_or_open
from tests.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [(name, "", False) for name in ("one", "two", "three")], now=NOW)
    yield opened
    opened.close()


def outage(database: Connection, service_id: int, *, begin_min: int, end_min: int | None = None) -> int:
    at = NOW + timedelta(minutes=begin_min)
    made = incidents.open_incident(
        database, service_id, started_at=at, detected_at=at, episode_started_at=at, reason=CheckReason.STATUS, error_message=""
    )
    if end_min is not None:
        incidents.resolve(database, made.incident_id, at=NOW + timedelta(minutes=end_min), resolution=IncidentResolution.RECOVERED)
    return made.incident_id


def acknowledge(database: Connection, service_id: int, *, at_min: int) -> None:
    at = NOW + timedelta(minutes=at_min)
    spoken = conversations.begin(database, service_id, severity=AlertSeverity.WARNING, alert_types=("down",), alert_id=1, started_at=at, now=at)
    conversations.save(database, replace(spoken, acknowledged_at=at, acknowledged_by="ann", closed_at=at))


def test_each_incident_has_the_first_word_that_was_said_while_it_lasted(database: Connection) -> None:
    over, lasting, silent = outage(database, 1, begin_min=0, end_min=10), outage(database, 2, begin_min=0), outage(database, 3, begin_min=0)
    again = outage(database, 1, begin_min=20, end_min=30)
    for service_id, at_min in ((1, 5), (1, 7), (1, 15), (2, 40), (3, -1)):
        acknowledge(database, service_id, at_min=at_min)
    found = outcomes.acknowledged_at(database, [over, lasting, silent, again, 99])
    assert found == {over: NOW + timedelta(minutes=5), lasting: NOW + timedelta(minutes=40)}


def test_those_that_are_there_are_given(database: Connection) -> None:
    mine = outage(database, 1, begin_min=0)
    assert [one.incident_id for one in incidents.of_ids(database, [99, mine])] == [mine]
    assert incidents.of_ids(database, []) == []
