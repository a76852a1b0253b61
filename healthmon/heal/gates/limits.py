"""How much has been tried already: for this service, and on this host?"""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.decision import HealDecision, HealReason, Passed, hold, quarantine, wait_until
from healthmon.heal.situation import charged, counts, issued
from healthmon.model.heal import HealState

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

AFTER_DROP = timedelta(seconds=5)  # doubling with each in a row
AFTER_DROP_MAX = timedelta(minutes=5)
MAX_DOUBLINGS = 10
RETRY_FIRST = timedelta(minutes=10)  # in quarantine, doubling, where quarantine_retries allows any
RETRY_MAX = timedelta(minutes=60)


def attempts_left(situation: Situation) -> HealDecision | Passed:
    used, settings = charged(situation), situation.settings
    over = len(used) - settings.max_restart_attempts
    if over < 0 or not used:
        return Passed(detail=f"{len(used)} of {settings.max_restart_attempts} used")
    if over >= settings.quarantine_retries:
        return quarantine(HealReason.ATTEMPTS_USED_UP, f"{len(used)} of {settings.max_restart_attempts + settings.quarantine_retries}")
    pause = min(RETRY_MAX, RETRY_FIRST * 2 ** min(over, MAX_DOUBLINGS))
    return wait_until(issued(used[-1]) + pause, situation.now, HealReason.QUARANTINE_RETRY)


def cooled_down(situation: Situation) -> HealDecision | Passed:
    used = charged(situation)
    if not used:
        return Passed(detail="not restarted in this outage")
    until = issued(used[-1]) + timedelta(minutes=situation.settings.restart_cooldown_minutes)
    return wait_until(until, situation.now, HealReason.COOLDOWN, afterwards=f"last restart at {clock.to_people(issued(used[-1]))}")


def not_just_dropped(situation: Situation) -> HealDecision | Passed:
    """What a fresh look just forbade is not planned again until that look's facts are here."""
    dropped = list(takewhile(lambda heal: heal.state is HealState.DROPPED, reversed(situation.history)))
    if not dropped or dropped[0].closed_at is None:
        return Passed()
    pause = min(AFTER_DROP_MAX, AFTER_DROP * 2 ** min(len(dropped) - 1, MAX_DOUBLINGS))
    return wait_until(dropped[0].closed_at + pause, situation.now, HealReason.JUST_DROPPED)


def host_has_budget(situation: Situation) -> HealDecision | Passed:
    settings, used = situation.settings, []
    times = [issued(heal) for heal in situation.host if counts(heal, settings)]
    for limit, minutes in ((settings.host_budget_per_10_minutes, 10), (settings.host_budget_per_hour, 60)):
        window = timedelta(minutes=minutes)
        inside = sorted(at for at in times if at > situation.now - window)
        used.append(f"{len(inside)} of {limit} in {minutes} minutes")
        if len(inside) >= limit:
            return wait_until(inside[-limit] + window, situation.now, HealReason.HOST_BUDGET)
    return Passed(detail=", ".join(used))


def hands_free(situation: Situation) -> HealDecision | Passed:
    busy = sum(heal.state in {HealState.PLANNED, HealState.ISSUED} for heal in situation.host)
    detail = f"{busy} under way"
    return hold(HealReason.CONCURRENCY, detail) if busy >= situation.settings.concurrency else Passed(detail=detail)
