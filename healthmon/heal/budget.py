"""How many restarts may be made within a time, how many of them are spent, and when is there one more?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.heal.reach import service_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from healthmon.heal.settings import HealSettings

TEN_MINUTES, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """So many restarts within any window of this length."""

    limit: int
    window: timedelta

    def spent(self, times: Iterable[datetime], now: datetime) -> list[datetime]:
        """Return those of `times`, oldest first, that count now."""
        return [at for at in times if at > now - self.window]

    def free_at(self, times: Iterable[datetime], now: datetime, *, ahead: int = 0) -> datetime:
        """Return when there is a restart left after `ahead` others: one that is spent comes back a window later."""
        spent = self.spent(times, now)
        for _ in range(ahead + 1):
            spent.append(now if len(spent) < self.limit else spent[-self.limit] + self.window)
        return spent[-1]


def of_host(settings: HealSettings) -> tuple[Budget, ...]:
    """Return what all services may have together."""
    return (Budget(settings.host_budget_per_10_minutes, TEN_MINUTES), Budget(settings.host_budget_per_hour, HOUR))


def of_service(settings: HealSettings) -> tuple[Budget, ...]:
    """Return what one service may have over all its incidents, and never so much that the others go without."""
    attempts = settings.max_restart_attempts
    in_an_hour = min(settings.hourly_limit, service_share(settings.host_budget_per_hour, attempts=attempts))
    return (
        Budget(service_share(settings.host_budget_per_10_minutes, attempts=attempts), TEN_MINUTES),
        Budget(in_an_hour, HOUR),
        Budget(settings.daily_limit, DAY),
    )


def standing(budgets: Iterable[Budget], times: Sequence[datetime], now: datetime) -> str:
    """Say how much of each is spent."""
    return ", ".join(f"{len(budget.spent(times, now))} of {budget.limit} in {shown(budget.window)}" for budget in budgets)


def next_free(budgets: Iterable[Budget], times: Sequence[datetime], now: datetime, *, ahead: int = 0) -> tuple[datetime, Budget]:
    """Return when all of them allow one more restart, and which of them allows it last."""
    return max(((budget.free_at(times, now, ahead=ahead), budget) for budget in budgets), key=lambda one: one[0])


def shown(window: timedelta) -> str:
    hours = window / HOUR
    return f"{window / timedelta(minutes=1):g} minutes" if hours < 1 else f"{hours:g} h"
