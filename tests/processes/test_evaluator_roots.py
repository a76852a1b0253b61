"""What people hear of services that are ill because of another: one message, which names that one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.notify.message import render
from healthmon.store import services
from tests.processes.alert_timeline import AT_ONCE, DOWN, Timeline, timelines
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOWLY = DOWN | {"name": "slowly", "duration_minutes": 5, "services": ["doc_store"]}
QUICKLY = DOWN | {"name": "quickly", "services": ["frontend"]}
APART = [{"channels": ["webhook"], "services": ["doc_store"]}, {"channels": ["apprise-1"], "services": ["frontend"]}]


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def ill_because_of_doc_store(timeline: Timeline) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(message.kind.value, one.service, one.dependents) for message in timeline.messages() for one in message.affected]


def with_third(timeline: Timeline) -> None:
    """Have one more service depend on the first."""
    spare = timeline.config.services[1].model_copy(update={"name": "spare"})
    timeline.config = timeline.config.model_copy(update={"services": (*timeline.config.services, spare)})
    wanted = [(one.name, one.group, one.critical) for one in timeline.config.services]
    services.sync(timeline.connection, wanted, now=clock.now())
    timeline.evaluator = timeline.a_new_evaluator()


@pytest.mark.parametrize("rules", [[SLOWLY, QUICKLY], [QUICKLY]], ids=["whose rule is slower", "for which no rule is"])
def test_what_it_is_because_of_is_told_with_the_first_that_is_ill_because_of_it(a_timeline: Any, rules: list[dict[str, Any]]) -> None:
    timeline = a_timeline(*rules)
    timeline.pass_minutes(5)
    timeline.pass_minutes(10, doc_store=BAD, frontend=BAD)
    timeline.pass_minutes(5)
    assert ill_because_of_doc_store(timeline) == [("firing", "doc_store", ("frontend",)), ("resolved", "doc_store", ("frontend",))]
    assert timeline.messages()[0].severity.value == "critical"


def test_a_root_is_not_told_of_for_one_that_is_well_again_before_anybody_was_told(a_timeline: Any) -> None:
    timeline = a_timeline(SLOWLY | {"duration_minutes": 20}, QUICKLY)
    timeline.pass_minutes(5)
    for reason, sid in ((BAD, 1), (BAD, 1), (BAD, 1), (BAD, 2), (BAD, 2), (BAD, 2), (GOOD, 2)):
        timeline.look(reason, service_id=sid)
        timeline.step()
    timeline.pass_minutes(5, doc_store=BAD)
    assert timeline.said() == []
    timeline.pass_minutes(20, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]


def test_who_answers_for_a_dependent_is_told_of_its_root_and_its_end(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, alerting={"apprise": ["json://a"], "routes": APART})
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    timeline.pass_minutes(5)
    rows = timeline.connection.rows("SELECT kind, channel FROM deliveries JOIN notifications USING (notification_id) ORDER BY kind, channel")
    assert rows == [("firing", "apprise-1"), ("firing", "webhook"), ("resolved", "apprise-1"), ("resolved", "webhook")]


def test_that_another_falls_ill_while_one_recovers_is_told(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 30, "interval_seconds": 60, "repeat_seconds": 0})
    with_third(timeline)
    timeline.pass_minutes(2, spare=GOOD)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD, spare=GOOD)
    timeline.pass_minutes(5, doc_store=BAD, spare=BAD)
    assert ill_because_of_doc_store(timeline) == [("firing", "doc_store", ("frontend",)), ("worsened", "doc_store", ("spare",))]
    assert timeline.messages()[-1].affected[0].news == "now spare, too"


def test_a_recovery_says_which_of_those_that_it_named_are_back_and_which_are_not(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    with_third(timeline)
    timeline.pass_minutes(2, spare=GOOD)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD, spare=BAD)
    timeline.pass_minutes(2, spare=BAD)
    body = render(next(message for message in timeline.messages() if message.kind.value == "resolved"), now=timeline.now).body
    assert "Back with it: frontend" in body
    assert "Not back yet: spare" in body


@pytest.mark.parametrize("rules", [[DOWN], [SLOWLY | {"duration_minutes": 0}]], ids=["all have a rule", "only the root has one"])
def test_a_recovery_waits_for_a_look_at_those_that_it_named(a_timeline: Any, rules: list[dict[str, Any]]) -> None:
    """Else it says of one that it is not back yet, and nothing when it is back a second later."""
    timeline = a_timeline(*rules, grouping=AT_ONCE)
    timeline.pass_minutes(2)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    timeline.look(GOOD)
    timeline.step()
    assert (2,) in timeline.connection.rows("SELECT service_id FROM probe_requests")
    timeline.look(GOOD, service_id=2)
    timeline.step()
    assert ill_because_of_doc_store(timeline) == [("firing", "doc_store", ("frontend",)), ("resolved", "doc_store", ("frontend",))]
    assert "not back yet" not in dict(timeline.messages()[-1].affected[0].facts)


def test_a_recovery_waits_a_minute_for_that_look_and_no_longer(a_timeline: Any) -> None:
    timeline = a_timeline(SLOWLY | {"duration_minutes": 0}, grouping=AT_ONCE)
    timeline.pass_minutes(2)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    timeline.look(GOOD)
    for _ in range(4):
        timeline.step()
        timeline.now += timedelta(seconds=19)
    assert timeline.said() == [("firing", "doc_store")]
    timeline.now += timedelta(seconds=5)
    timeline.step()
    assert timeline.said()[1:] == [("resolved", "doc_store")]
    assert dict(timeline.messages()[-1].affected[0].facts)["not back yet"] == "frontend"


def test_one_that_it_named_and_that_falls_ill_again_is_not_named_again(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 30, "interval_seconds": 60, "repeat_seconds": 0})
    with_third(timeline)
    timeline.pass_minutes(2, spare=GOOD)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD, spare=GOOD)
    timeline.pass_minutes(5, doc_store=BAD, spare=BAD)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD, spare=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing", "worsened"]
