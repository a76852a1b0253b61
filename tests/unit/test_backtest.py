"""What a rule would have said of a past: it must be what the evaluator did say."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.alerts.rule import Rule, of_settings
from healthmon.history.backtest import Outage, Verdict, judge
from healthmon.history.replay import Fired, Replay, Watched, not_in_history
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.status import ServiceState
from healthmon.rules import looks
from healthmon.rules.settings import RuleSettings
from healthmon.rules.variables import Facts
from healthmon.status.recent import Look, RecentLooks
from healthmon.status.uptime import Booked, Uptime
from tests.builders import NOW, a_check

if TYPE_CHECKING:
    from datetime import datetime

GOOD, BAD, BLIND = CheckReason.OK, CheckReason.STATUS, CheckReason.NO_NETWORK
SUBJECT = looks.Subject(name="doc_store", group="core", critical=True, expected_response_time=2.0)
WATCHED = Watched(service_id=1, subject=SUBJECT, confirmations=2, max_gap=timedelta(seconds=100))


def a_rule(condition: str, **changes: Any) -> Rule:
    [rule] = of_settings([RuleSettings.model_validate({"name": "tried", "condition": condition, "severity": "warning", **changes})])
    return rule


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def replayed(rule: Rule, found: list[tuple[float, CheckReason, float]], *, until_s: float) -> list[tuple[float, float | None]]:
    """Return from when until when the rule would have fired, in seconds."""
    replay = Replay(WATCHED, [rule])
    for seconds, reason, response_time_s in found:
        kind = CheckKind.SCHEDULED if seconds % 30 == 0 else CheckKind.RECHECK
        replay.take(a_check(reason, at=at(seconds), kind=kind, response_time_s=response_time_s))
    fired = replay.finish(at(until_s)).get(rule.name, [])
    return [((one.since - NOW).total_seconds(), None if one.until is None else (one.until - NOW).total_seconds()) for one in fired]


def every_30_s(*reasons: CheckReason, response_time_s: float = 0.1) -> list[tuple[float, CheckReason, float]]:
    """One look each; a failure is confirmed by two rechecks."""
    found = []
    for number, reason in enumerate(reasons):
        found.append((30.0 * number, reason, response_time_s))
        if reason is BAD and (number == 0 or reasons[number - 1] is not BAD):
            found += [(30.0 * number + 2, BAD, response_time_s), (30.0 * number + 4, BAD, response_time_s)]
    return found


def test_a_condition_fires_when_its_failure_is_confirmed_and_ends_with_the_first_good_look() -> None:
    assert replayed(a_rule("unhealthy"), every_30_s(GOOD, BAD, BAD, GOOD), until_s=100) == [(34, 90)]


def test_a_duration_is_waited_out_between_two_looks() -> None:
    rule = a_rule("unhealthy", duration_minutes=2)
    assert replayed(rule, every_30_s(GOOD, *[BAD] * 8, GOOD), until_s=300) == [(154, 270)]
    assert replayed(rule, every_30_s(GOOD, *[BAD] * 4, GOOD), until_s=300) == []


def test_what_lasts_to_the_end_has_no_end() -> None:
    assert replayed(a_rule("consecutive_failures >= 3"), every_30_s(GOOD, BAD, BAD, BAD), until_s=120) == [(90, None)]


def test_what_nobody_knows_neither_begins_nor_ends_an_alert() -> None:
    assert replayed(a_rule("unhealthy"), every_30_s(GOOD, BAD, BLIND, BLIND, GOOD), until_s=130) == [(34, 120)]


def test_a_gap_is_seen_as_the_evaluator_saw_it() -> None:
    found = [(0.0, GOOD, 0.1), (3_600.0, GOOD, 0.1)]
    assert replayed(a_rule("unknown"), found, until_s=3_650) == [(100, 3_600)]


def test_windows_and_uptime_are_summed_up_as_they_were() -> None:
    found = every_30_s(*[GOOD] * 9, BAD, GOOD)
    assert replayed(a_rule("failure_ratio_5m > 0.05 and checks_5m >= 5"), found, until_s=310) == [(270, None)]
    assert replayed(a_rule("uptime_percentage < 95"), every_30_s(*[GOOD] * 10, BAD, BAD, BAD), until_s=360)[0][0] == 330


def test_an_event_is_over_at_once() -> None:
    rule = a_rule("healthy and was_unhealthy", severity="info")
    assert replayed(rule, every_30_s(GOOD, BAD, GOOD, GOOD), until_s=120) == [(60, 60)]


def test_a_rule_of_another_group_says_nothing() -> None:
    assert replayed(a_rule("healthy", groups=("agents",)), every_30_s(GOOD), until_s=10) == []


def test_what_history_does_not_hold_cannot_be_asked() -> None:
    assert not_in_history(a_rule("memory_usage > 80 or unhealthy and not maintenance")) == {"memory_usage", "maintenance"}
    assert not_in_history(a_rule("healing == 'crash_loop'")) == {"healing"}
    assert not_in_history(a_rule("response_time > expected * 2 and was_unhealthy")) == frozenset()


def test_every_name_is_told_by_looks_or_refused() -> None:
    names = frozenset(field.name for field in fields(Facts))
    state = ServiceState(service_id=1, status_since=NOW, last_response_time_s=0.1, last_status_code=200)
    recent = RecentLooks()
    recent.add(Look(at=NOW, healthy=True, response_time_s=0.1))
    told = looks.facts(
        SUBJECT,
        state,
        now=NOW,
        uptime=Uptime(percentage=100.0, coverage=100.0),
        is_flapping=False,
        recent=recent,
        booked={NOW: Booked(healthy_s=60)},
        asked=looks.Asked(names),
    )
    assert {name for name in names if getattr(told, name) is None} == looks.NOT_TOLD


def judged(fired: list[tuple[int, float, float | None]], outages: list[tuple[int, float, float | None]]) -> Verdict:
    found = [Fired(service_id=sid, since=at(since), until=None if until is None else at(until)) for sid, since, until in fired]
    were = [
        Outage(incident_id=number, service_id=sid, since=at(since), until=None if until is None else at(until))
        for number, (sid, since, until) in enumerate(outages)
    ]
    return judge(a_rule("unhealthy"), found, were, until=at(1_000))


@pytest.mark.parametrize(
    ("case", "fired", "outages", "caught", "delay_s", "missed", "without"),
    [
        ("in time", [(1, 30, 90)], [(1, 0, 90)], 1, 30, 0, 0),
        ("before it", [(1, 0, 90)], [(1, 30, 90)], 1, 0, 0, 0),
        ("of another service", [(2, 30, 90)], [(1, 0, 90)], 0, None, 1, 1),
        ("too late", [(1, 100, 200)], [(1, 0, 90)], 0, None, 1, 1),
        ("it lasts", [(1, 100, None)], [(1, 50, None)], 1, 50, 0, 0),
        ("one of two", [(1, 10, 20)], [(1, 0, 30), (1, 500, 600)], 1, 10, 1, 0),
    ],
)
def test_outages_caught_and_missed(  # noqa: PLR0913  one column each
    case: str,
    fired: list[tuple[int, float, float | None]],
    outages: list[tuple[int, float, float | None]],
    *,
    caught: int,
    delay_s: float | None,
    missed: int,
    without: int,
) -> None:
    found = judged(fired, outages)
    assert (found.caught, found.median_delay_s, len(found.missed), found.without_outage) == (caught, delay_s, missed, without), case


def test_how_long_it_fired() -> None:
    found = judged([(1, 0, 60), (1, 100, 400), (1, 900, None)], [])
    assert (found.firing_s, found.median_s) == (460, 100)
