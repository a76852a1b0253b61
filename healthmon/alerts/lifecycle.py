"""How does an alert come and go? The whole table, and the one function that moves it.

    phase      the condition                             becomes    what happens
    none       holds, the rule has no duration           firing     FIRED
    none       holds                                     pending
    pending    holds, for the rule's duration            firing     FIRED
    pending    holds no more                             none
    firing     holds no more, the rule keeps nothing     none       RESOLVED
    firing     holds no more                             keeping
    keeping    holds again                               firing
    keeping    held no more for as long as it is kept    none       RESOLVED
    any        nobody can tell                           the same, and its time stands still

An alert of severity info is an event: it is over as soon as it fired, but fires again only after its state was none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from healthmon.model.rule_state import RulePhase, RuleState


class AlertEvent(StrEnum):
    NOTHING = "nothing"
    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a condition must hold before its alert fires, and how long it is kept after it holds no more."""

    duration: timedelta
    keep_firing: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The state afterwards, what happened, and when time alone will change it."""

    state: RuleState | None
    event: AlertEvent = AlertEvent.NOTHING
    due: datetime | None = None


def begin(service_id: int, rule: str, timing: Timing, now: datetime) -> Move:
    """Return what a condition that has just begun to hold leads to."""
    fires = timing.duration <= timedelta(0)
    phase = RulePhase.FIRING if fires else RulePhase.PENDING
    state = RuleState(service_id=service_id, rule=rule, phase=phase, since=now)
    return Move(state=state, event=AlertEvent.FIRED) if fires else Move(state=state, due=now + timing.duration)


def advance(state: RuleState, timing: Timing, *, holds: bool | None, now: datetime) -> Move:
    """Return where a rule's state goes. `holds` is None while nobody can tell."""
    if holds is None:
        return Move(state=state if state.unknown_since is not None else replace(state, unknown_since=now))
    state = _known_again(state, now)
    if state.phase is RulePhase.PENDING:
        return _pending(state, timing, holds=holds, now=now)
    return _firing(state, timing, holds=holds, now=now)


def _known_again(state: RuleState, now: datetime) -> RuleState:
    if state.unknown_since is None:
        return state
    stood_still = max(timedelta(0), now - state.unknown_since)
    return replace(state, since=state.since + stood_still, unknown_since=None)


def _pending(state: RuleState, timing: Timing, *, holds: bool, now: datetime) -> Move:
    if not holds:
        return Move(state=None)
    due = state.since + timing.duration
    if now < due:
        return Move(state=state, due=due)
    return Move(state=replace(state, phase=RulePhase.FIRING, since=now), event=AlertEvent.FIRED)


def _firing(state: RuleState, timing: Timing, *, holds: bool, now: datetime) -> Move:
    if holds:
        return Move(state=state if state.phase is RulePhase.FIRING else replace(state, phase=RulePhase.FIRING, since=now))
    since = state.since if state.phase is RulePhase.KEEPING else now
    due = since + timing.keep_firing
    if now < due:
        return Move(state=replace(state, phase=RulePhase.KEEPING, since=since), due=due)
    return Move(state=None, event=AlertEvent.RESOLVED)
