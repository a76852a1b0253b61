"""Is a restart wanted at all: by the settings, by how the service is, by people?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.decision import HealDecision, HealReason, HealVerdict, Passed, hold, wait_until
from healthmon.model.check import CheckReason
from healthmon.model.heal import OPEN_HEALS, HealState
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation


STAGES = {HealState.PLANNED: "about to be made", HealState.ISSUED: "being made", HealState.RETURNED: "made, not proven yet"}


def switched_on(situation: Situation) -> HealDecision | Passed:
    if not situation.settings.switched_on:
        return hold(HealReason.SWITCHED_OFF)
    return Passed(detail="dry run" if situation.settings.dry_run else "")


def unhealthy(situation: Situation) -> HealDecision | Passed:
    state = situation.state
    if state.status is not ServiceStatus.HEALTHY and state.unknown_looks and state.last_reason is CheckReason.NO_NETWORK:
        return hold(HealReason.OWN_NETWORK, state.last_error or "")
    if state.status is not ServiceStatus.UNHEALTHY or situation.incident is None:
        return hold(HealReason.NOT_UNHEALTHY, state.status.value)
    return Passed(detail="" if state.status_since is None else f"unhealthy since {clock.to_people(state.status_since)}")


def nothing_under_way(situation: Situation) -> HealDecision | Passed:
    under_way = [heal for heal in situation.history if heal.state in OPEN_HEALS]
    if not under_way:
        return Passed()
    heal = under_way[0]
    whose = f"attempt {heal.attempt}" if heal.asked_by is None else f"for {heal.asked_by}"
    return hold(HealReason.IN_PROGRESS, f"{whose}, {STAGES[heal.state]}")


def not_held(situation: Situation) -> HealDecision | Passed:
    hold = situation.hold
    if hold is None or hold.ends_at <= situation.now:
        return Passed()
    return HealDecision(verdict=HealVerdict.WAIT, reason=HealReason.HELD, detail=f"{hold.author}: {hold.reason}", until=hold.ends_at)


def not_in_maintenance(situation: Situation) -> HealDecision | Passed:
    until = situation.maintenance_until
    return Passed() if until is None else wait_until(until, situation.now, HealReason.MAINTENANCE)
