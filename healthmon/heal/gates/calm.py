"""Is it a moment at which what we see can be believed: are we, the engine and the other services calm?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealReason, HealVerdict, Passed, hold, wait_until
from healthmon.model.check import CheckReason

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

EXCUSED = timedelta(minutes=5)


def agent_has_settled(situation: Situation) -> HealDecision | Passed:
    until = situation.agent_started_at + timedelta(seconds=situation.settings.startup_hold_seconds)
    return wait_until(until, situation.now, HealReason.STARTUP_HOLD)


def engine_has_settled(situation: Situation) -> HealDecision | Passed:
    if situation.engine_returned_at is None:
        return Passed()
    until = situation.engine_returned_at + timedelta(seconds=situation.settings.engine_settle_seconds)
    return wait_until(until, situation.now, HealReason.ENGINE_SETTLING)


def host_has_time(situation: Situation) -> HealDecision | Passed:
    """On a host that is too busy an answer that comes too late says nothing of the service, and a restart adds to it.

    Not for ever: it may be the service that keeps the host busy. What refuses, or answers wrongly, is not excused.
    """
    busy, incident = situation.host_pressure, situation.incident
    if not busy or incident is None or situation.state.last_reason is not CheckReason.TIMEOUT:
        return Passed(detail=busy)
    return wait_until(incident.detected_at + EXCUSED, situation.now, HealReason.HOST_PRESSURE, detail=busy)


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
