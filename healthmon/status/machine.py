"""How does a service's status move? The whole table, and the one function that changes it.

    from            on                                             to
    any             a healthy look                                 healthy
    any             first unhealthy look                           the same, soft: a streak starts
    soft            an unhealthy look, `confirmations` reached     unhealthy
    soft            a healthy look                                 healthy, as if nothing had been
    any             the engine's own verdict, unhealthy            unhealthy: it has confirmed it already
    any             `confirmations` + 1 unknown looks in a row     unknown
    any             no look for too long                           unknown

A failure of our own (an unknown look) neither starts, continues nor ends a streak: it says nothing of the service.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.check import Check, CheckKind, CheckReason, CheckStatus
from healthmon.model.status import ServiceState, ServiceStatus

if TYPE_CHECKING:
    from datetime import datetime


CONFIRMED = frozenset({CheckReason.HEALTHCHECK})  # a look that tells of several failed ones


class StatusEvent(StrEnum):
    """What a look changed that somebody may want to hear of."""

    NOTHING = "nothing"
    FAILING = "failing"  # soft: the first failed look
    CLEARED = "cleared"  # soft failure over before it was confirmed
    UNHEALTHY = "unhealthy"
    HEALTHY = "healthy"  # from unhealthy, unknown or never seen
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The state after a look, and what happened."""

    state: ServiceState
    event: StatusEvent


def advance(state: ServiceState, check: Check, *, confirmations: int) -> Step:
    """Return the state after one look. Looks of one service come in the order they were made, whatever the clock says."""
    if check.status is CheckStatus.UNKNOWN:
        return _after_unknown(_looked(state, check, unknown_looks=state.unknown_looks + 1), confirmations, check.checked_at)
    looked = _looked(state, check, unknown_looks=0)
    if check.status is CheckStatus.HEALTHY:
        return _after_healthy(looked, check)
    return _after_unhealthy(looked, check, 0 if check.outcome.reason in CONFIRMED else confirmations)


def lose_sight(state: ServiceState, *, at: datetime) -> Step:
    """Return the state when no look has arrived for too long."""
    if state.status is ServiceStatus.UNKNOWN:
        return Step(state=state, event=StatusEvent.NOTHING)
    blind = replace(
        _without_streak(state),
        last_reason=CheckReason.NO_DATA,
        last_error="no check arrived",
    )
    return Step(state=_enter(blind, ServiceStatus.UNKNOWN, at), event=StatusEvent.UNKNOWN)


def meet_incarnation(state: ServiceState, started_at: datetime) -> ServiceState:
    """Return the state when the service's target turned out to have started at `started_at`.

    Failures from before that are no evidence against the present incarnation.
    """
    if state.evidence_started_at is None or state.evidence_started_at >= started_at:
        return state
    return without_evidence(state)


def without_evidence(state: ServiceState) -> ServiceState:
    """Return the state with nothing held against the present incarnation; the status stays."""
    return replace(state, evidence_failures=0, evidence_started_at=None, evidence_last_at=None)


def is_soft(state: ServiceState) -> bool:
    """Tell whether a failure is waiting for its confirmation."""
    return state.streak_started_at is not None and state.status is not ServiceStatus.UNHEALTHY


def _looked(state: ServiceState, check: Check, *, unknown_looks: int) -> ServiceState:
    return replace(
        state,
        unknown_looks=unknown_looks,
        last_checked_at=check.checked_at,
        last_reason=check.outcome.reason,
        last_error=check.outcome.error_message,
        last_response_time_s=check.outcome.response_time_s,
        last_status_code=check.outcome.status_code,
    )


def _after_unknown(state: ServiceState, confirmations: int, at: datetime) -> Step:
    if state.unknown_looks <= confirmations or state.status is ServiceStatus.UNKNOWN:
        return Step(state=state, event=StatusEvent.NOTHING)
    return Step(state=_enter(_without_streak(state), ServiceStatus.UNKNOWN, at), event=StatusEvent.UNKNOWN)


def _after_healthy(state: ServiceState, check: Check) -> Step:
    event = StatusEvent.CLEARED if is_soft(state) else StatusEvent.NOTHING
    if state.status is not ServiceStatus.HEALTHY:
        event = StatusEvent.HEALTHY
    failures = 0 if check.kind is CheckKind.SCHEDULED or event is StatusEvent.HEALTHY else state.consecutive_failures
    healthy = replace(_without_streak(state), last_healthy_at=check.checked_at, consecutive_failures=failures)
    return Step(state=_enter(healthy, ServiceStatus.HEALTHY, check.checked_at), event=event)


def _after_unhealthy(state: ServiceState, check: Check, confirmations: int) -> Step:
    first = state.streak_started_at is None
    state = replace(
        state,
        consecutive_failures=state.consecutive_failures + (check.kind is CheckKind.SCHEDULED),
        streak_started_at=state.streak_started_at or check.checked_at,
        streak_confirmations=state.streak_confirmations + (not first),
        evidence_failures=state.evidence_failures + 1,
        evidence_started_at=state.evidence_started_at or check.checked_at,
        evidence_last_at=check.checked_at,
    )
    if state.status is ServiceStatus.UNHEALTHY:
        return Step(state=state, event=StatusEvent.NOTHING)
    if state.streak_confirmations >= confirmations:
        return Step(state=_enter(state, ServiceStatus.UNHEALTHY, check.checked_at), event=StatusEvent.UNHEALTHY)
    return Step(state=state, event=StatusEvent.FAILING if first else StatusEvent.NOTHING)


def _without_streak(state: ServiceState) -> ServiceState:
    if state.streak_started_at is None and state.evidence_started_at is None and not state.streak_confirmations and not state.evidence_failures:
        return state  # as nearly always
    return replace(
        state,
        streak_started_at=None,
        streak_confirmations=0,
        evidence_failures=0,
        evidence_started_at=None,
        evidence_last_at=None,
    )


def _enter(state: ServiceState, status: ServiceStatus, at: datetime) -> ServiceState:
    """The only place where the hard status changes."""
    if state.status is status and state.status_since is not None:
        return state
    previous = state.previous_status if state.status is status or state.status_since is None else state.status
    return replace(state, status=status, previous_status=previous, status_since=at)
