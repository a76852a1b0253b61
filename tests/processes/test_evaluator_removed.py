"""What people hear last of what was taken out of the configuration while it was told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.notify.message import render
from healthmon.store import alert_review
from tests.builders import NOW
from tests.processes.alert_timeline import AT_ONCE, DOWN, SLOW, Timeline, timelines
from tests.processes.evaluator_world import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def configure(timeline: Timeline, **changes: Any) -> None:
    """Have the evaluator start anew on another configuration."""
    timeline.config = timeline.config.model_copy(update=changes)
    timeline.evaluator = timeline.a_new_evaluator()


def without(timeline: Timeline, *services: str) -> dict[str, Any]:
    return {"services": tuple(one for one in timeline.config.services if one.name not in services)}


def test_who_was_told_of_a_service_hears_that_it_is_not_watched_any_more(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, doc_store=BAD)
    configure(timeline, **without(timeline, "doc_store"))
    timeline.pass_minutes(1)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1)
    assert timeline.said() == [("firing", "doc_store"), ("removed", "doc_store")]
    rendered = render(timeline.messages()[-1], now=timeline.now)
    assert rendered.title.startswith("[REMOVED] doc_store on ")
    assert "is back" not in rendered.body
    assert "the configuration does not have it any more" in rendered.body
    assert timeline.alerts("removed") == ["doc_store down"]


def test_the_last_word_goes_to_those_who_were_told(a_timeline: Any) -> None:
    routes = [{"services": ["doc_store"], "channels": ["apprise-1"]}]
    timeline = a_timeline(DOWN, alerting={"apprise": ["json://a"], "routes": routes, "grouping": AT_ONCE})
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, doc_store=BAD)
    told = "SELECT kind, group_concat(channel) FROM deliveries JOIN notifications USING (notification_id) GROUP BY notification_id"
    assert timeline.connection.rows(told) == [("firing", "apprise-1")]
    configure(timeline, **without(timeline, "doc_store"))
    timeline.pass_minutes(0.5)
    assert timeline.connection.rows(told)[1] == ("removed", "apprise-1")


def test_nobody_hears_of_a_removed_service_that_nobody_was_told_of(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    timeline.pass_minutes(0.5, doc_store=BAD)
    configure(timeline, **without(timeline, "doc_store"))
    timeline.pass_minutes(2)
    assert timeline.said() == []


def test_a_service_that_comes_back_after_its_farewell_is_told_of_again(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    everything = {"services": timeline.config.services}
    timeline.pass_minutes(1)
    timeline.pass_minutes(2, doc_store=BAD)
    configure(timeline, **without(timeline, "doc_store"))
    timeline.pass_minutes(1)
    configure(timeline, **everything)
    timeline.pass_minutes(2, doc_store=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing", "removed", "firing"]


def test_the_end_of_a_rule_is_not_the_end_of_what_it_told_of(a_timeline: Any) -> None:
    timeline = a_timeline(SLOW)
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, response_time_s=5)
    configure(timeline, alert_rules=())
    timeline.pass_minutes(2, response_time_s=5)
    assert timeline.said() == [("firing", "doc_store"), ("removed", "doc_store")]
    body = render(timeline.messages()[-1], now=timeline.now).body
    assert "no rule of the configuration asks for it any more" in body
    assert "slow when last seen" in body
    assert timeline.alerts("removed") == ["doc_store slow"]


def test_an_outage_whose_last_rule_is_taken_out_is_not_reminded_of(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 30, "repeat_seconds": 600})
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, doc_store=BAD)
    configure(timeline, alert_rules=())
    timeline.pass_minutes(60, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store"), ("removed", "doc_store")]


def test_a_rule_that_takes_the_place_of_another_goes_on_with_its_outage(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, doc_store=BAD)
    renamed = timeline.config.alert_rules[0].model_copy(update={"name": "service_down", "duration_minutes": 2})
    configure(timeline, alert_rules=(renamed,))
    timeline.pass_minutes(10, doc_store=BAD)
    timeline.pass_minutes(5)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]


def test_what_was_removed_is_neither_short_nor_ignored_in_the_review(a_timeline: Any) -> None:
    timeline = a_timeline(SLOW)
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, response_time_s=5)
    configure(timeline, alert_rules=())
    timeline.pass_minutes(2)
    [line] = alert_review.per_rule(timeline.connection, now=timeline.now, since=NOW)
    assert (line.fired, line.firing, line.short, line.ignored, line.median_minutes) == (1, 0, 0, 0, None)


def test_an_alert_that_no_rule_can_end_is_closed(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    timeline.connection.change(
        "INSERT INTO alert_log (service_id, alert_type, severity, message, started_at, triggered_at) VALUES (1, 'stray', 'warning', 'm', ?1, ?1)",
        clock.to_sql(timeline.now),
    )
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1)
    assert (timeline.alerts("firing"), timeline.alerts("removed")) == ([], ["doc_store stray"])
