"""What does the page of a service say of times, of what was done, and of rules? Pure functions, tried on values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from healthmon.alerts.lifecycle import Timing
from healthmon.alerts.rule import Rule
from healthmon.answers.changes import Done, Reconfigured
from healthmon.model.alert import AlertSeverity
from healthmon.model.heal import HealState
from healthmon.model.rule_state import RulePhase, RuleState
from healthmon.model.target import TargetChange
from healthmon.processes.evaluator.ruling import Ruling
from healthmon.rules.explanation import Explanation
from healthmon.rules.language import understand
from healthmon.store.target_starts import Start
from healthmon.store.targets import TargetReport
from healthmon.web.views.marks import MarkKind, marks
from healthmon.web.views.period import Period, Range, Span, span
from healthmon.web.views.rules import rule_rows
from tests.builders import a_heal

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = Span(since=NOW - DAY, until=NOW, ends_now=True)
NOTHING = Done(since=NOW - DAY, starts=(), heals=(), reconfigured=())


def ago(hours: float) -> datetime:
    return NOW - hours * HOUR


@pytest.mark.parametrize(
    ("period", "since", "until", "ends"),
    [
        (Period(), ago(24), NOW, ("24 h ago", "now")),
        (Period(range=Range.WEEK), ago(7 * 24), NOW, ("7 d ago", "now")),
        (Period(since=ago(3)), ago(3), NOW, ("3 h ago", "now")),
        (Period(since=ago(3), until=NOW + HOUR), ago(3), NOW, ("3 h ago", "now")),
        (Period(since=ago(3), until=ago(2)), ago(3), ago(2), ("2026-11-22 09:00:00 UTC", "2026-11-22 10:00:00 UTC")),
    ],
)
def test_a_period_is_a_time(period: Period, since: datetime, until: datetime, ends: tuple[str, str]) -> None:
    found = span(period, NOW)
    assert (found.since, found.until, found.ends) == (since, until, ends)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period(until=ago(1)), "needs a from"),
        (Period(since=ago(1), until=ago(2)), "at least 5 min before"),
        (Period(since=NOW + HOUR), "at least 5 min before"),
        (Period(since=ago(0.01)), "at least 5 min before"),
        (Period(since=ago(24 * 500)), "at most 400 days"),
    ],
)
def test_what_is_no_time_is_refused_with_why(period: Period, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        span(period, NOW)


def test_an_address_says_only_what_is_not_usual() -> None:
    assert Period().parameters == {}
    assert Period(range=Range.HOUR).parameters == {"range": "1h"}
    assert Period(since=ago(2), until=ago(1)).parameters == {"from": "2026-11-22T10:00:00Z", "to": "2026-11-22T11:00:00Z"}


def test_a_start_is_whose_it_was_and_another_image_a_deployment() -> None:
    restarted = a_heal(HealState.VERIFIED, planned_at=ago(6), issued_at=ago(6))
    done = Done(
        since=NOW - DAY,
        starts=(
            Start(at=ago(300), image_id="sha256:one"),
            Start(at=ago(10), image_id="sha256:two"),
            Start(at=ago(6) + timedelta(seconds=4), image_id="sha256:two"),
            Start(at=ago(2), image_id="sha256:two"),
        ),
        heals=(restarted, a_heal(HealState.WOULD_RESTART, planned_at=ago(5)), a_heal(HealState.DROPPED, planned_at=ago(4))),
        reconfigured=(Reconfigured(at=ago(12), author="ada", keys=("interval_seconds",)),),
    )
    found = marks(done, None, TODAY)
    assert [(one.kind, one.letter, one.percent) for one in found] == [
        (MarkKind.CONFIGURATION, "C", 50.0),
        (MarkKind.DEPLOY, "D", 58.33),
        (MarkKind.RESTART, "R", 75.0),
        (MarkKind.WOULD_RESTART, "W", 79.17),
        (MarkKind.START, "S", 91.67),
    ]
    assert "one before, two now" in found[1].words


def test_the_first_start_that_is_known_is_no_deployment() -> None:
    done = Done(since=NOW - DAY, starts=(Start(at=ago(3), image_id="sha256:one"),), heals=(), reconfigured=())
    assert [one.kind for one in marks(done, None, TODAY)] == [MarkKind.START]


def test_another_configuration_of_the_container_is_a_deployment() -> None:
    report = TargetReport(observed_at=NOW, target=None, problem="none", change=TargetChange.CONFIGURATION, changed_at=ago(1))
    assert [one.kind for one in marks(NOTHING, report, TODAY)] == [MarkKind.DEPLOY]
    assert marks(NOTHING, report, Span(since=ago(24), until=ago(2), ends_now=False)) == ()


def a_ruling(name: str, phase: RulePhase | None, *, holds: bool | None, unknown: bool = False, severity: AlertSeverity = AlertSeverity.WARNING) -> Ruling:
    timing = Timing(duration=timedelta(minutes=5), keep_firing=timedelta(minutes=10))
    state = None if phase is None else RuleState(service_id=1, rule=name, phase=phase, since=NOW - timedelta(seconds=90), unknown_since=NOW if unknown else None)
    rule = Rule(name=name, severity=severity, timing=timing, condition=understand("unhealthy"))
    return Ruling(rule=rule, state=state, holds=holds, explanation=Explanation(holds, (), ""), asked=(("status", "unhealthy"),))


def test_rules_that_say_something_come_first_with_how_far_they_are() -> None:
    rows = rule_rows(
        [
            a_ruling("quiet", None, holds=False),
            a_ruling("blind", RulePhase.PENDING, holds=None, unknown=True),
            a_ruling("kept", RulePhase.KEEPING, holds=False),
            a_ruling("event", RulePhase.FIRING, holds=True, severity=AlertSeverity.INFO),
            a_ruling("waits", RulePhase.PENDING, holds=True),
            a_ruling("fires", RulePhase.FIRING, holds=True),
        ],
        NOW,
    )
    assert [(row.name, row.word, row.progress) for row in rows] == [
        ("fires", "fires", ""),
        ("waits", "pending", "1 min 30 s of 5 min"),
        ("kept", "kept", "1 min 30 s of 10 min"),
        ("event", "holds", ""),
        ("blind", "nobody can tell", "1 min 30 s of 5 min"),
        ("quiet", "does not hold", ""),
    ]
