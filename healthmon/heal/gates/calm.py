"""Is it a moment at which what we see can be believed: are we, the engine and the other services calm?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealReason, HealVerdict, Passed, hold, wait_until

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation


def agent_has_settled(situation: Situation) -> HealDecision | Passed:
    until = situation.agent_started_at + timedelta(seconds=situation.settings.startup_hold_seconds)
    return wait_until(until, situation.now, HealReason.STARTUP_HOLD)


def engine_has_settled(situation: Situation) -> HealDecision | Passed:
    if situation.engine_returned_at is None:
        return Passed()
    until = situation.engine_returned_at + timedelta(seconds=situation.settings.engine_settle_seconds)
    return wait_until(until, situation.now, HealReason.ENGINE_SETTLING)


def dependencies_are_well(situation: Situation) -> HealDecision | Passed:
    roots = situation.unhealthy_dependencies
    return hold(HealReason.DEPENDENCY_UNHEALTHY, ", ".join(roots)) if roots else Passed()


def no_storm(situation: Situation) -> HealDecision | Passed:
    storm = situation.storm
    if storm is None:
        return Passed(detail=f"{situation.unhealthy_services} of {situation.watched_services} unhealthy")
    numbers = f"{storm.ill} of {storm.watched} services are unhealthy"
    if storm.turn == situation.state.service_id:
        return Passed(detail=f"{numbers}, and it is the one that is tried")
    if storm.until is None:
        return hold(storm.reason, numbers)
    return HealDecision(verdict=HealVerdict.WAIT, reason=storm.reason, detail=numbers, until=storm.until)
