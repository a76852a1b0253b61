"""What people hear of a service that comes and goes: once that it does, and once how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.processes.alert_timeline import AT_ONCE, DOWN, Timeline, timelines
from tests.processes.evaluator_world import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def come_and_go(timeline: Timeline, times: int) -> None:
    for _ in range(times):
        timeline.pass_minutes(1, doc_store=BAD)
        timeline.pass_minutes(1)


def test_what_comes_and_goes_is_told_once_and_its_end_once(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    come_and_go(timeline, 12)
    before, [flapping] = timeline.said()[:-1], timeline.messages()[-1:]
    assert len(before) <= 5  # until it was known to flap
    assert (flapping.kind.value, flapping.affected[0].message) == ("flapping", "flapping: 6 changes in the last 20 checks")
    assert "flapping" in flapping.affected[0].alert_types
    timeline.pass_minutes(15)
    assert timeline.said() == [*before, ("flapping", "doc_store"), ("resolved", "doc_store")]
    timeline.pass_minutes(30)
    assert len(timeline.said()) == len(before) + 2


def test_what_stays_ill_after_it_flapped_is_told_and_then_its_end(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    come_and_go(timeline, 6)
    told = timeline.said()
    assert told[-1] == ("flapping", "doc_store")
    timeline.pass_minutes(15, doc_store=BAD)
    assert timeline.said() == [*told, ("worsened", "doc_store")]
    assert "expected 200" in timeline.messages()[-1].affected[0].message
    timeline.pass_minutes(5)
    assert timeline.said() == [*told, ("worsened", "doc_store"), ("resolved", "doc_store")]


def test_failures_that_no_look_confirms_are_told_when_they_flap(a_timeline: Any) -> None:
    timeline = a_timeline(grouping=AT_ONCE)
    timeline.pass_minutes(5)
    for _ in range(10):
        timeline.look(BAD)
        timeline.step()
        timeline.pass_minutes(0.5)
    assert timeline.said() == [("flapping", "doc_store")]
    assert timeline.messages()[0].severity.value == "warning"


def test_that_it_flaps_survives_a_restart(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    come_and_go(timeline, 6)
    told = timeline.said()
    for _ in range(4):
        timeline.look(BAD)
        timeline.evaluator = timeline.a_new_evaluator()
        come_and_go(timeline, 1)
    assert timeline.said() == told
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(15)
    assert timeline.said() == [*told, ("resolved", "doc_store")]


def test_looks_that_still_wait_when_it_starts_are_counted_once(a_timeline: Any) -> None:
    timeline = a_timeline(grouping=AT_ONCE)
    timeline.pass_minutes(5)
    for _ in range(2):
        timeline.look(BAD)
        timeline.pass_minutes(0.5)
    timeline.look(BAD)  # the fifth change: twice would be more than enough
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    assert timeline.evaluator._watching.flapping[1].changes == 5
    assert timeline.said() == []


def test_what_depends_on_what_flaps_is_not_told(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    for _ in range(12):
        timeline.pass_minutes(1, doc_store=BAD, frontend=BAD)
        timeline.pass_minutes(1)
    timeline.pass_minutes(20)
    assert {services for _, services in timeline.said()} == {"doc_store"}


def test_conditions_can_ask_whether_it_flaps(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "shaky", "condition": "flapping", "severity": "critical"}, grouping=AT_ONCE)
    timeline.pass_minutes(5)
    come_and_go(timeline, 6)
    assert timeline.alerts("firing") == ["doc_store flapping", "doc_store shaky"]


def test_a_rule_of_the_file_stands_for_ours_of_the_same_name(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "flapping", "condition": "flapping", "severity": "warning", "enabled": False}, grouping=AT_ONCE)
    timeline.pass_minutes(5)
    come_and_go(timeline, 6)
    assert (timeline.alerts("firing"), timeline.said()) == ([], [])


def test_a_service_that_is_taken_out_while_it_is_spoken_of_stops_nothing(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(2, frontend=BAD)
    timeline.config = timeline.config.model_copy(update={"services": timeline.config.services[:1]})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(2, doc_store=BAD)
    assert timeline.said()[-1] == ("firing", "doc_store")
