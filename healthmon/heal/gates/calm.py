"""Is it a moment at which what we see can be believed: are we, the engine and the other services calm?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealReason, Passed, hold, wait_until

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

STORM_SHARE = 0.5
STORM_MIN = 3


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
    ill, watched = situation.unhealthy_services, situation.watched_services
    if not situation.settings.storm_guard or ill < STORM_MIN or ill < STORM_SHARE * watched:
        return Passed(detail=f"{ill} of {watched} unhealthy")
    return hold(HealReason.STORM, f"{ill} of {watched} services are unhealthy")
