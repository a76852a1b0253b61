"""An error budget that is spent too fast: from stored history by two windows to an alert and a message."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.check import CheckKind
from healthmon.status.uptime import HOUR, Booked, hour_of
from healthmon.store import checks, states
from tests.builders import a_check
from tests.processes.alert_timeline import AT_ONCE, timelines
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.processes.alert_timeline import Timeline

LOOKS_AN_HOUR = 120  # one every 30 s
GOOD_HOUR = Booked(healthy_s=3_600)


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def seeded(timeline: Timeline, *, failed: Collection[int] = (), unhealthy_s: dict[int, float] | None = None) -> Timeline:
    """Give doc_store an hour of looks of which those that many half minutes ago failed, and a day's hours; then begin anew on it."""
    for ago in range(1, LOOKS_AN_HOUR):
        at = timeline.now - timedelta(seconds=30 * ago)
        checks.enter(timeline.connection, [a_check(BAD if ago in failed else GOOD, at=at)])
    ill = unhealthy_s or {}
    hours = [(1, hour_of(timeline.now) - ago * HOUR, Booked(healthy_s=3_600 - ill.get(ago, 0), unhealthy_s=ill.get(ago, 0))) for ago in range(1, 26)]
    with timeline.connection.transaction(durable=False):
        states.save_hours(timeline.connection, hours)
    timeline.evaluator = timeline.a_new_evaluator()
    return timeline


def a_budget(a_timeline: Any, **changes: Any) -> Timeline:
    timeline: Timeline = a_timeline(grouping=AT_ONCE, slo={"burn_rate_alerts": True} | changes)
    timeline.pass_minutes(1)
    return timeline


def fail_once(timeline: Timeline) -> None:
    """One failed look that its confirmations do not bear out: no outage, and no alert of any other rule."""
    timeline.now += timedelta(seconds=28)
    timeline.look(BAD)
    timeline.look(GOOD, CheckKind.RECHECK)
    timeline.step()


def test_three_failures_in_an_hour_of_which_one_is_new_are_told_with_their_values(a_timeline: Any) -> None:
    timeline = seeded(a_budget(a_timeline), failed=(40, 80))
    fail_once(timeline)
    assert timeline.alerts("firing") == ["doc_store error_budget_1h"]
    [message] = timeline.messages()
    [affected] = message.affected
    told = dict(affected.values)
    assert (message.severity.value, affected.alert_types) == ("critical", ("error_budget_1h",))
    assert float(told["failure_ratio_1h"]) == pytest.approx(0.025, abs=0.001)
    assert float(told["failure_ratio_5m"]) == pytest.approx(0.1, abs=0.02)


def test_it_is_over_when_the_short_window_is(a_timeline: Any) -> None:
    """The long one still holds what was: nobody has to wait for an hour to hear that it is over."""
    timeline = seeded(a_budget(a_timeline), failed=(40, 80))
    fail_once(timeline)
    timeline.pass_minutes(6)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]


@pytest.mark.parametrize(
    ("case", "failed"),
    [
        ("two in an hour are what a look every 30 s cannot tell from a blip", (40,)),
        ("many, and over: the short window is clean", tuple(range(20, 60))),
    ],
)
def test_what_is_too_little_or_over_is_not_told(a_timeline: Any, case: str, failed: tuple[int, ...]) -> None:
    timeline = seeded(a_budget(a_timeline), failed=failed)
    if len(failed) == 1:
        fail_once(timeline)
    timeline.pass_minutes(1)
    assert timeline.said() == [], case


SLOWER = [
    ("error_budget_6h", "critical", {3: 200.0}, (10,)),
    ("error_budget_24h", "warning", {12: 260.0, 1: 40.0}, ()),
]


@pytest.mark.parametrize(("rule", "severity", "unhealthy_s", "failed"), SLOWER, ids=[case[0] for case in SLOWER])
def test_slower_burns_are_found_by_the_hours_that_were_booked(
    a_timeline: Any, rule: str, severity: str, unhealthy_s: dict[int, float], failed: tuple[int, ...]
) -> None:
    timeline = seeded(a_budget(a_timeline), failed=failed, unhealthy_s=unhealthy_s)
    timeline.pass_minutes(0.5)
    assert timeline.alerts("firing") == [f"doc_store {rule}"]
    [message] = timeline.messages()
    assert (message.severity.value, message.affected[0].alert_types) == (severity, (rule,))


def test_a_long_window_alone_says_nothing(a_timeline: Any) -> None:
    """It was bad six hours ago, and is well: to tell that now would be to tell it late."""
    timeline = seeded(a_budget(a_timeline), unhealthy_s={5: 1_800.0})
    timeline.pass_minutes(1)
    assert timeline.said() == []


def test_an_objective_that_no_burn_rate_can_break_has_no_rule_for_it(a_timeline: Any) -> None:
    """At 90 percent the fast rule would ask for more failures than there are looks."""
    timeline = seeded(a_budget(a_timeline, availability_percent=90), failed=tuple(range(1, 60)))
    fail_once(timeline)
    assert timeline.alerts("firing") == []
