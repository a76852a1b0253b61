"""Who is told: where each message of a conversation goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.operator_action import OperatorActionKind
from tests.processes.alert_timeline import AT_ONCE, DOWN, SLOW, Timeline, tell, timelines
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPRISE = {"apprise": ["json://a", "json://b"]}  # beside the webhook: apprise-1 and apprise-2
SHAKY = DOWN | {"name": "shaky", "severity": "warning"}


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def told(timeline: Timeline) -> list[tuple[str, str, str]]:
    """Return the kind of each message, the services in it, and where it went."""
    rows = timeline.connection.rows(
        "SELECT notification_id, group_concat(channel, ' ') FROM (SELECT * FROM deliveries ORDER BY delivery_id) GROUP BY notification_id",
    )
    where = {int(str(row[0])): str(row[1]) for row in rows}
    return [(kind, names, where[one.notification_id]) for one, (kind, names) in zip(timeline.messages(), timeline.said(), strict=True)]


def test_without_routes_all_go_to_all(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=APPRISE, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    assert told(timeline) == [("firing", "doc_store", "webhook apprise-1 apprise-2")]


def test_a_message_goes_where_the_first_route_sends_it_and_so_does_its_end(a_timeline: Any) -> None:
    routes = [{"channels": ["apprise-1"], "services": ["frontend"]}, {"channels": ["webhook", "apprise-2"], "severities": ["critical"]}]
    timeline = a_timeline(DOWN, alerting=APPRISE | {"routes": routes}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, frontend=BAD)
    timeline.pass_minutes(1)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1, doc_store=BAD)
    timeline.pass_minutes(1)
    assert told(timeline) == [
        ("firing", "frontend", "apprise-1"),
        ("resolved", "frontend", "apprise-1"),
        ("firing", "doc_store", "webhook apprise-2"),
        ("resolved", "doc_store", "webhook apprise-2"),
    ]


def test_what_gets_worse_goes_to_those_told_and_those_who_must_hear_of_it_now(a_timeline: Any) -> None:
    routes = [{"channels": ["webhook"], "severities": ["warning"]}, {"channels": ["apprise-1"], "severities": ["critical"]}]
    timeline = a_timeline(SHAKY, DOWN | {"duration_minutes": 3}, alerting=APPRISE | {"routes": routes}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1)
    assert told(timeline) == [
        ("firing", "doc_store", "webhook"),
        ("worsened", "doc_store", "webhook apprise-1"),
        ("resolved", "doc_store", "webhook apprise-1"),
    ]


def test_the_end_goes_to_those_told_whatever_the_hour(a_timeline: Any) -> None:
    routes = [{"channels": ["webhook"], "hours": "12:00-12:10"}, {"channels": ["apprise-1"]}]
    timeline = a_timeline(DOWN, alerting=APPRISE | {"routes": routes}, grouping=AT_ONCE)
    timeline.pass_minutes(5)
    timeline.pass_minutes(10, doc_store=BAD)
    timeline.pass_minutes(1)
    assert told(timeline) == [("firing", "doc_store", "webhook"), ("resolved", "doc_store", "webhook")]


def test_what_no_route_takes_goes_to_all(a_timeline: Any) -> None:
    routes = [{"channels": ["apprise-1"], "services": ["frontend"]}]
    timeline = a_timeline(DOWN, alerting=APPRISE | {"routes": routes}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    assert told(timeline) == [("firing", "doc_store", "webhook apprise-1 apprise-2")]


def test_what_happens_at_once_and_goes_elsewhere_is_several_messages(a_timeline: Any) -> None:
    routes = [{"channels": ["apprise-1"], "services": ["frontend"]}, {"channels": ["webhook"]}]
    timeline = a_timeline(SLOW, alerting=APPRISE | {"routes": routes})
    timeline.pass_minutes(1)
    for service_id in (1, 2):
        timeline.look(GOOD, response_time_s=2.5, service_id=service_id)
    timeline.step()
    for _ in range(5):
        timeline.look(GOOD, response_time_s=2.5)  # or what depends on it would wait for a look
        timeline.pass_time(15)
    assert sorted(told(timeline)) == [("firing", "doc_store", "webhook"), ("firing", "frontend", "apprise-1")]


def test_an_event_goes_where_its_severity_goes(a_timeline: Any) -> None:
    routes = [{"channels": ["apprise-2"], "severities": ["info"]}]
    timeline = a_timeline(SLOW | {"severity": "info"}, alerting=APPRISE | {"routes": routes})
    timeline.pass_minutes(1, response_time_s=2.5)
    assert told(timeline) == [("event", "doc_store", "apprise-2")]


def test_a_channel_that_is_gone_hears_nothing_more(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=APPRISE, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    alerting = timeline.config.alerting.model_copy(update={"apprise": timeline.config.alerting.apprise[:1]})
    timeline.config = timeline.config.model_copy(update={"alerting": alerting})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1)
    assert told(timeline)[-1] == ("resolved", "doc_store", "webhook apprise-1")


ESCALATION = {
    "routes": [{"channels": ["webhook"]}],
    "escalation": [{"after_minutes": 15, "channels": ["apprise-1"]}, {"after_minutes": 30, "channels": ["apprise-2"]}],
}


def test_what_nobody_acknowledges_is_told_to_others_once_each_and_so_is_its_end(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=APPRISE | ESCALATION, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(14, doc_store=BAD)
    assert told(timeline) == [("firing", "doc_store", "webhook")]
    timeline.pass_minutes(3, doc_store=BAD)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(60, doc_store=BAD)
    timeline.pass_minutes(1)
    assert told(timeline) == [
        ("firing", "doc_store", "webhook"),
        ("escalated", "doc_store", "apprise-1"),
        ("escalated", "doc_store", "apprise-2"),
        ("resolved", "doc_store", "webhook apprise-1 apprise-2"),
    ]
    sent = [message.created_at for message in timeline.messages()]
    assert [round((at - sent[0]).total_seconds() / 60) for at in sent[:3]] == [0, 15, 30]


def test_an_acknowledgement_stops_the_escalation(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting=APPRISE | ESCALATION, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(20, doc_store=BAD)
    tell(timeline, OperatorActionKind.ACKNOWLEDGE, service="doc_store")
    timeline.pass_minutes(60, doc_store=BAD)
    timeline.pass_minutes(1)
    assert told(timeline) == [
        ("firing", "doc_store", "webhook"),
        ("escalated", "doc_store", "apprise-1"),
        ("resolved", "doc_store", "webhook apprise-1"),
    ]


def test_a_step_is_for_its_severities(a_timeline: Any) -> None:
    timeline = a_timeline(SHAKY, alerting=APPRISE | ESCALATION, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(60, doc_store=BAD)
    assert told(timeline) == [("firing", "doc_store", "webhook")]
