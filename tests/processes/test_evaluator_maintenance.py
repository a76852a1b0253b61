"""Services that are worked on: looked at, not spoken of, not restarted, and without harm to their uptime."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.operator_action import OperatorActionKind
from tests.builders import NOW
from tests.processes.alert_timeline import AT_ONCE, DOWN, Timeline, tell, timelines
from tests.processes.evaluator_world import BAD, GOOD, a_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.evaluator_world import World

START, END = OperatorActionKind.MAINTENANCE, OperatorActionKind.END_MAINTENANCE


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from a_world(tmp_path, monkeypatch)


def once(minutes: float, length: float, **whom: Any) -> dict[str, Any]:
    """A window that begins so many minutes after the test does."""
    starts_at = NOW + timedelta(minutes=minutes)
    ends_at = starts_at + timedelta(minutes=length)
    return {"maintenance": [{"name": "work", "starts_at": clock.to_iso(starts_at), "ends_at": clock.to_iso(ends_at), **whom}]}


def uptime(timeline: Timeline, service: str = "doc_store") -> tuple[float, float]:
    rows = timeline.connection.rows(
        "SELECT uptime_percentage, uptime_coverage FROM service_states JOIN services USING (service_id) WHERE service_name = ?",
        service,
    )
    return float(str(rows[0][0])), float(str(rows[0][1]))


def test_what_fails_and_recovers_in_a_window_is_not_told_and_does_not_count(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=once(10, 30), grouping=AT_ONCE)
    timeline.pass_minutes(12)
    timeline.pass_minutes(20, doc_store=BAD)
    assert timeline.alerts("firing") == ["doc_store down"]  # it is recorded
    timeline.pass_minutes(20)
    assert timeline.said() == []
    assert uptime(timeline) == (100.0, 100.0)


def test_what_is_still_ill_after_a_window_is_told_once_others_had_time_to_recover(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=once(10, 30))
    timeline.pass_minutes(12)
    timeline.pass_minutes(24, doc_store=BAD)
    assert timeline.said() == []
    while timeline.now < NOW + timedelta(minutes=40):
        timeline.pass_minutes(0.5, doc_store=BAD)
    assert timeline.said() == []
    timeline.pass_minutes(1.5, doc_store=BAD)
    [message] = timeline.messages()
    assert timedelta(seconds=30) <= message.created_at - (NOW + timedelta(minutes=40)) < timedelta(seconds=60)
    assert uptime(timeline)[0] < 100


def test_a_restart_in_a_window_changes_nothing(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=once(0, 30))
    timeline.pass_minutes(5)
    timeline.pass_minutes(15, doc_store=BAD)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(5, doc_store=BAD)
    assert timeline.said() == []


def test_an_event_in_a_window_is_not_told(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "slow", "condition": "response_time > 1", "severity": "info"}, alerting=once(0, 10))
    timeline.pass_minutes(1, response_time_s=2.5)
    timeline.pass_minutes(11)
    assert timeline.said() == []
    timeline.pass_minutes(1, response_time_s=2.5)
    assert timeline.said() == [("event", "doc_store")]


def test_a_window_is_for_its_services_only(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=once(0, 60, services=["frontend"]), grouping=AT_ONCE)
    timeline.pass_minutes(5)
    timeline.pass_minutes(2, frontend=BAD)
    assert timeline.said() == []
    timeline.pass_minutes(2, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]


def test_conditions_can_ask_for_maintenance_when_it_begins_and_ends(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "worked_on", "condition": "maintenance", "severity": "warning"}, alerting=once(5, 5, services=["frontend"]))
    timeline.pass_minutes(4)
    assert timeline.alerts("firing") == []
    timeline.pass_minutes(3)
    assert timeline.alerts("firing") == ["frontend worked_on"]
    timeline.pass_minutes(5)
    assert timeline.alerts("firing") == []


def test_a_recurring_window_on_the_clock_of_its_zone(a_timeline: Any) -> None:
    nightly = {"name": "noon", "cron": "10 13 * * *", "timezone": "Europe/Berlin", "duration_minutes": 10}
    timeline = a_timeline(DOWN, alerting={"maintenance": [nightly]}, grouping=AT_ONCE)  # now is 12:00 UTC
    timeline.pass_minutes(10.5)
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.pass_minutes(3)
    assert timeline.said() == []


def test_a_person_begins_and_ends_maintenance(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    outcome = tell(timeline, START, services=("doc_store", "frontend"), until=timeline.now + timedelta(hours=2))
    assert str(outcome).startswith("maintenance 1 of doc_store, frontend until ")
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(5, doc_store=BAD)
    assert (timeline.said(), uptime(timeline)[0]) == ([], 100.0)
    assert tell(timeline, END, maintenance_id=1) == "maintenance 1 is over"
    timeline.pass_minutes(1, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]
    assert str(tell(timeline, END, maintenance_id=1)).startswith("refused")


def test_what_the_agent_does_not_watch_is_refused(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    until = timeline.now + timedelta(hours=2)
    assert tell(timeline, START, services=("doc_store", "stranger"), until=until) == "refused: stranger is not watched by the agent"
    assert str(tell(timeline, START, services=("doc_store",), until=timeline.now)).startswith("refused")


def test_an_outage_that_was_told_before_is_told_to_be_over_in_maintenance(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(2, doc_store=BAD)
    tell(timeline, START, services=("doc_store",), until=timeline.now + timedelta(hours=2))
    timeline.pass_minutes(3)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]


def begin(world: World, minutes: float = 60) -> None:
    tell(world, START, services=("doc_store",), until=world.now + timedelta(minutes=minutes))


def test_nothing_is_restarted_in_maintenance_nor_for_what_was_seen_in_it(world: World) -> None:
    world.publish(started_at=world.now - timedelta(hours=1))
    world.look(GOOD)
    world.step()
    begin(world)
    world.fail()
    world.fail()
    assert world.heal_states() == []
    world.now += timedelta(minutes=60)
    world.publish(started_at=world.now - timedelta(hours=3))
    world.look(BAD)
    world.step()
    assert world.heal_states() == []  # what was seen in maintenance is no evidence
    world.fail()
    assert world.heal_states() == ["planned"]


def test_a_restart_that_is_planned_when_maintenance_begins_is_not_made(world: World) -> None:
    world.publish(started_at=world.now - timedelta(hours=1))
    world.look(GOOD)
    world.step()
    world.fail()
    assert world.heal_states() == ["planned"]
    begin(world)
    assert world.heal_states() == ["dropped"]
