"""Is it proven that the present incarnation is ill, and for long enough?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.decision import HealDecision, HealReason, Passed, look, wait_until
from healthmon.heal.gave_up import engine_gave_up
from healthmon.model.target import TargetHealth, TargetState

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation
    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target


VERDICT = "its own health check failed as often as it has to"


def enough(situation: Situation) -> HealDecision | Passed:
    """Enough failed looks at the present incarnation, or one and the engine's own verdict, or for what does not run its own word."""
    target, state = situation.target, situation.state
    if engine_gave_up(target):
        return Passed(detail="its engine gave up")
    if docker_says_so(target) and state.evidence_failures and _speaks_of(target, state):
        return Passed(detail=VERDICT)
    wanted = situation.confirmations + 1
    if state.evidence_failures >= wanted and _speaks_of(target, state):
        return Passed(detail=f"{state.evidence_failures}, and {wanted} are enough")
    return look(HealReason.TOO_FEW_FAILURES, f"{state.evidence_failures} of {wanted}")


def fresh(situation: Situation) -> HealDecision | Passed:
    """The last thing before acting: it has just failed again. What may have recovered meanwhile is looked at first."""
    at = situation.state.evidence_last_at
    if engine_gave_up(situation.target):
        return Passed()
    if at is not None and situation.now - at <= situation.evidence_max_age:
        return Passed(detail=f"failed last at {clock.to_people(at)}")
    return look(HealReason.STALE_EVIDENCE, "")


def ill_for_long_enough(situation: Situation) -> HealDecision | Passed:
    started_at = situation.state.evidence_started_at
    if started_at is None:
        return Passed()
    if docker_says_so(situation.target):
        return Passed(detail=VERDICT)
    until = started_at + timedelta(seconds=situation.settings.min_unhealthy_seconds)
    return wait_until(until, situation.now, HealReason.MIN_UNHEALTHY, afterwards=f"first failed at {clock.to_people(started_at)}")


def docker_says_so(target: Target | None) -> bool:
    """Tell whether the container's own health check calls it ill: that has failed several times already, over some time."""
    return target is not None and target.state is TargetState.RUNNING and target.health is TargetHealth.UNHEALTHY


def _speaks_of(target: Target | None, state: ServiceState) -> bool:
    if target is None or target.started_at is None or state.evidence_started_at is None:
        return False
    return state.evidence_started_at > target.started_at
