"""How much has been tried already: for this service, and on this host?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal import budget
from healthmon.heal.decision import HealDecision, HealReason, HealVerdict, Passed, hold, quarantine, wait_until
from healthmon.heal.learning import INEFFECTIVE, in_vain
from healthmon.heal.situation import attempts, charged, issued, spent
from healthmon.model.heal import HealState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.heal.budget import Budget
    from healthmon.heal.situation import Situation

AFTER_DROP = timedelta(seconds=5)  # doubling with each in a row
AFTER_DROP_MAX = timedelta(minutes=5)
MAX_DOUBLINGS = 10
SLOW_STOP = timedelta(seconds=2)  # by then the engine has stopped and started what stops when it is told to
SLOW_STOPS = 4  # times the concurrency: so many may be under way, the slow ones included
NEVER = datetime.max.replace(tzinfo=UTC)
RETRY_FIRST = timedelta(minutes=10)  # in quarantine, doubling, where quarantine_retries allows any
RETRY_MAX = timedelta(minutes=60)


def attempts_left(situation: Situation) -> HealDecision | Passed:
    used, settings = attempts(situation), situation.settings
    over = len(used) - settings.max_restart_attempts
    if over < 0 or not used:
        return Passed(detail=f"{len(used)} of {settings.max_restart_attempts} used")
    if over >= settings.quarantine_retries:
        return quarantine(HealReason.ATTEMPTS_USED_UP, f"{len(used)} of {settings.max_restart_attempts + settings.quarantine_retries}")
    pause = min(RETRY_MAX, RETRY_FIRST * 2 ** min(over, MAX_DOUBLINGS))
    return wait_until(issued(used[-1]) + pause, situation.now, HealReason.QUARANTINE_RETRY)


def has_helped(situation: Situation) -> HealDecision | Passed:
    """Over all incidents: what did not help three times in a row against this failure does not help a fourth time."""
    settings, count = situation.settings, in_vain(situation.same_failure)
    if count >= max(INEFFECTIVE, settings.max_restart_attempts + settings.quarantine_retries):
        return quarantine(HealReason.RESTARTS_DO_NOT_HELP, f"{count} in a row for {situation.same_failure[-1].failure}")
    return Passed(detail=f"{count} in a row did not" if count else "")


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


def service_has_budget(situation: Situation) -> HealDecision | Passed:
    """Over all its incidents."""
    return _within(budget.of_service(situation.settings), spent(situation, own=True), 0, situation.now, HealReason.SERVICE_BUDGET)


def host_has_budget(situation: Situation) -> HealDecision | Passed:
    budgets = budget.of_host(situation.settings)
    return _within(budgets, spent(situation, own=False), situation.queued_ahead, situation.now, HealReason.HOST_BUDGET)


def hands_free(situation: Situation) -> HealDecision | Passed:
    """What is limited is how much is started at a time. One that waits for a slow stop starts nothing: it holds up no other for long."""
    limit, now = situation.settings.concurrency, situation.now
    under_way = [heal for heal in situation.host if heal.state in {HealState.PLANNED, HealState.ISSUED}]
    slow_from = sorted(issued(heal) + SLOW_STOP if heal.state is HealState.ISSUED else NEVER for heal in under_way)
    busy = [at for at in slow_from if at > now]
    detail = f"{len(under_way)} under way"
    if len(busy) < limit and len(under_way) < SLOW_STOPS * limit:
        return Passed(detail=detail)
    if busy and busy[0] < NEVER and len(under_way) < SLOW_STOPS * limit:
        return HealDecision(verdict=HealVerdict.WAIT, reason=HealReason.CONCURRENCY, detail=detail, until=busy[0])
    return hold(HealReason.CONCURRENCY, detail)


def _within(budgets: Sequence[Budget], times: Sequence[datetime], ahead: int, now: datetime, reason: HealReason) -> HealDecision | Passed:
    """Pass while every budget has something left for who stands behind `ahead` others; else say which, and until when."""
    until, full = budget.next_free(budgets, times, now, ahead=ahead)
    if until <= now:
        return Passed(detail=budget.standing(budgets, times, now))
    queue = f", {ahead} before it" if ahead else ""
    detail = f"{full.limit} in {budget.shown(full.window)}{queue}"
    return HealDecision(verdict=HealVerdict.WAIT, reason=reason, until=until, detail=detail)
