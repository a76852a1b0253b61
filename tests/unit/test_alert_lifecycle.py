"""How alerts come and go, arrow by arrow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthmon.alerts.lifecycle import AlertEvent, Timing, advance, begin
from healthmon.model.rule_state import RulePhase, RuleState
from tests.builders import NOW, ago

TWO_MINUTES = Timing(duration=timedelta(minutes=2), keep_firing=timedelta(0))
KEPT = Timing(duration=timedelta(0), keep_firing=timedelta(minutes=5))


def a_state(phase: RulePhase, since: float, unknown_since: float | None = None) -> RuleState:
    unknown = None if unknown_since is None else ago(unknown_since)
    return RuleState(service_id=1, rule="service_down", phase=phase, since=ago(since), unknown_since=unknown)


def test_a_condition_without_a_duration_fires_at_once() -> None:
    move = begin(1, "service_down", KEPT, NOW)
    assert move.state is not None
    assert (move.state.phase, move.event, move.due) == (RulePhase.FIRING, AlertEvent.FIRED, None)


def test_a_condition_with_a_duration_is_pending_and_says_until_when() -> None:
    move = begin(1, "service_down", TWO_MINUTES, NOW)
    assert move.state is not None
    assert (move.state.phase, move.event, move.due) == (RulePhase.PENDING, AlertEvent.NOTHING, NOW + timedelta(minutes=2))


PENDING, FIRING, KEEPING = RulePhase.PENDING, RulePhase.FIRING, RulePhase.KEEPING
NOTHING, FIRED, RESOLVED = AlertEvent.NOTHING, AlertEvent.FIRED, AlertEvent.RESOLVED
ARROWS = [
    # from, seconds in it, unknown for the last ..., holds, timing -> phase, event
    (PENDING, 119, None, True, TWO_MINUTES, PENDING, NOTHING),
    (PENDING, 120, None, True, TWO_MINUTES, FIRING, FIRED),
    (PENDING, 119, None, False, TWO_MINUTES, None, NOTHING),
    (PENDING, 500, 400, True, TWO_MINUTES, PENDING, NOTHING),  # it held for 100 s that are known
    (PENDING, 500, 380, True, TWO_MINUTES, FIRING, FIRED),
    (PENDING, 500, 380, False, TWO_MINUTES, None, NOTHING),
    (PENDING, 500, None, None, TWO_MINUTES, PENDING, NOTHING),
    (FIRING, 9, None, True, TWO_MINUTES, FIRING, NOTHING),
    (FIRING, 9, None, False, TWO_MINUTES, None, RESOLVED),
    (FIRING, 9, None, None, TWO_MINUTES, FIRING, NOTHING),
    (FIRING, 9, None, False, KEPT, KEEPING, NOTHING),
    (KEEPING, 299, None, False, KEPT, KEEPING, NOTHING),
    (KEEPING, 300, None, False, KEPT, None, RESOLVED),
    (KEEPING, 299, None, True, KEPT, FIRING, NOTHING),
    (KEEPING, 900, None, None, KEPT, KEEPING, NOTHING),
    (KEEPING, 900, 700, False, KEPT, KEEPING, NOTHING),
]


@pytest.mark.parametrize(("phase", "seconds", "unknown", "holds", "timing", "wanted", "event"), ARROWS)
def test_arrow(  # noqa: PLR0913, PLR0917  the columns of the table
    phase: RulePhase,
    seconds: float,
    unknown: float | None,
    holds: bool | None,  # noqa: FBT001  a column of the table
    timing: Timing,
    wanted: RulePhase | None,
    event: AlertEvent,
) -> None:
    move = advance(a_state(phase, seconds, unknown), timing, holds=holds, now=NOW)
    assert (None if move.state is None else move.state.phase, move.event) == (wanted, event)


def test_a_condition_that_nobody_can_tell_of_is_remembered_from_its_first_moment() -> None:
    move = advance(a_state(PENDING, 60), TWO_MINUTES, holds=None, now=NOW)
    assert move.state is not None
    assert move.state.unknown_since == NOW
    later = advance(move.state, TWO_MINUTES, holds=None, now=NOW + timedelta(seconds=9))
    assert later.state == move.state


def test_a_clock_that_went_back_ends_no_wait() -> None:
    move = advance(a_state(PENDING, -3_600), TWO_MINUTES, holds=True, now=NOW)
    assert move.event is AlertEvent.NOTHING
