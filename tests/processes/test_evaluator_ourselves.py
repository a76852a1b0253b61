"""What people hear of healthmon itself: an alert that any of its processes enters, and its end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.alert import HEALING_STORM, Alert, AlertSeverity
from healthmon.model.operator_action import OperatorActionKind
from healthmon.notify.message import render
from healthmon.store import alerts
from tests.processes.alert_timeline import DOWN, Timeline, tell, timelines
from tests.processes.evaluator_world import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = [{"channels": ["apprise-1"], "severities": ["critical"]}, {"channels": ["webhook"]}]


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def begin(timeline: Timeline, alert_type: str = "pages_not_served", severity: AlertSeverity = AlertSeverity.WARNING) -> None:
    """Enter an alert as any process would."""
    alert = Alert(service_id=None, alert_type=alert_type, severity=severity, message="port 8080 is taken by nginx (pid 7)", triggered_at=timeline.now)
    with timeline.connection.transaction(durable=True):
        alerts.fire(timeline.connection, alert)


def end(timeline: Timeline, alert_type: str = "pages_not_served") -> None:
    with timeline.connection.transaction(durable=True):
        alerts.resolve(timeline.connection, None, alert_type, at=timeline.now)


def titles(timeline: Timeline) -> list[str]:
    return [render(message, now=timeline.now).title.replace(message.host, "web-1") for message in timeline.messages()]


def test_what_is_wrong_with_healthmon_is_told_and_so_is_its_end_over_restarts(a_timeline: Any) -> None:
    timeline = a_timeline()
    timeline.pass_minutes(1)
    begin(timeline)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(2)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(10)
    assert timeline.said() == [("firing", "healthmon")]
    assert titles(timeline) == ["[WARNING] healthmon on web-1: pages not served"]
    assert "What: port 8080 is taken by nginx (pid 7)" in render(timeline.messages()[0], now=timeline.now).body
    end(timeline)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(2)
    assert timeline.said() == [("firing", "healthmon"), ("resolved", "healthmon")]
    assert titles(timeline)[1].startswith("[RESOLVED] healthmon on web-1: pages not served is over after 1")


def test_what_was_over_before_anybody_was_told_is_not_told(a_timeline: Any) -> None:
    timeline = a_timeline()
    timeline.pass_minutes(1)
    begin(timeline)
    timeline.now += timedelta(seconds=10)
    end(timeline)
    timeline.pass_minutes(3)
    assert timeline.said() == []


def test_what_happened_in_a_moment_is_told_once_however_bad(a_timeline: Any) -> None:
    timeline = a_timeline()
    lost = Alert(service_id=None, alert_type="history_lost", severity=AlertSeverity.WARNING, message="m", triggered_at=timeline.now)
    alerts.note_event(timeline.connection, lost, unless_since=timeline.now - timedelta(days=1))
    timeline.pass_minutes(3)
    assert titles(timeline) == ["[WARNING] healthmon on web-1: history lost"]


def test_several_of_one_moment_are_one_message_where_they_go_to_the_same(a_timeline: Any) -> None:
    timeline = a_timeline(alerting={"apprise": ["json://a"], "routes": NIGHT})
    begin(timeline, "one")
    begin(timeline, "two")
    begin(timeline, "three", AlertSeverity.CRITICAL)
    timeline.pass_minutes(2)
    assert sorted(len(message.affected) for message in timeline.messages()) == [1, 2]
    rows = timeline.connection.rows("SELECT severity, channel FROM deliveries JOIN notifications USING (notification_id) ORDER BY severity")
    assert rows == [("critical", "apprise-1"), ("warning", "webhook")]


def test_what_the_services_say_themselves_is_not_said_again(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    begin(timeline, HEALING_STORM, AlertSeverity.CRITICAL)
    timeline.pass_minutes(3, doc_store=BAD)
    end(timeline, HEALING_STORM)
    timeline.pass_minutes(3)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]


def test_it_can_be_silenced_and_is_told_when_the_silence_ends(a_timeline: Any) -> None:
    timeline = a_timeline()
    until = timeline.now + timedelta(minutes=10)
    begin(timeline)
    outcome = tell(timeline, OperatorActionKind.SILENCE, matchers=("service=healthmon", "alert=pages_*"), until=until)
    assert str(outcome).startswith("silence 1 of healthmon holds until ")
    timeline.pass_minutes(9)
    assert timeline.said() == []
    timeline.pass_minutes(2)
    assert timeline.said() == [("firing", "healthmon")]
