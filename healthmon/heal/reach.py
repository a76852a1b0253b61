"""Can every limit on restarts be reached? One that cannot is a mistake of who wrote it, and would never protect anything.

Only limits that somebody wrote are judged: a default that another setting makes pointless does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from healthmon.settings import DAY_MINUTES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

HOUR_MINUTES = 60.0
ATTEMPTS, COOLDOWN, CONCURRENCY = "max_restart_attempts", "restart_cooldown_minutes", "concurrency"
HOUR, DAY = "service_budget_per_hour", "service_budget_per_day"
HOST_10_MINUTES, HOST_HOUR = "host_budget_per_10_minutes", "host_budget_per_hour"
JUDGED = (ATTEMPTS, COOLDOWN, CONCURRENCY, HOUR, DAY, HOST_10_MINUTES, HOST_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """`limit` can never be reached because of `bound`, another setting."""

    limit: str
    bound: str
    message: str


def service_share(limit: int, *, attempts: int) -> int:
    """Return how much of a budget of the host one service may take: half, or what the attempts of one incident need.

    One that comes and goes must not take what the others need: at least one restart is left to them.
    """
    return max(1, limit // 2, min(attempts, limit - 1))


def unreachable(settings: Mapping[str, float], written: Collection[str]) -> Unreachable | None:
    """Return the first limit among those `written` that another setting keeps from being reached. Knows the keys of JUDGED."""
    for limit, bound, most, where in _bounds(settings):
        if limit in written and settings[limit] > most:
            message = f"{settings[limit]:g} can never be reached: {bound} ({settings[bound]:g}) allows at most {most:g} {where}; lower it, or change that"
            return Unreachable(limit=limit, bound=bound, message=message)
    return None


def _bounds(settings: Mapping[str, float]) -> Iterator[tuple[str, str, float, str]]:
    """Yield limits, what bounds each, to how much, and in which sense."""
    if settings[COOLDOWN] > 0:
        yield HOUR, COOLDOWN, ceil(HOUR_MINUTES / settings[COOLDOWN]), "restarts of one service an hour"
        yield DAY, COOLDOWN, ceil(DAY_MINUTES / settings[COOLDOWN]), "restarts of one service a day"
    yield HOUR, DAY, settings[DAY], "in the whole day"
    yield DAY, HOUR, 24 * settings[HOUR], "a day"
    yield HOUR, HOST_HOUR, service_share(int(settings[HOST_HOUR]), attempts=int(settings[ATTEMPTS])), "for one service"
    yield HOST_HOUR, HOST_10_MINUTES, 6 * settings[HOST_10_MINUTES], "an hour"
    yield CONCURRENCY, HOST_10_MINUTES, settings[HOST_10_MINUTES], "to begin within ten minutes"
    yield ATTEMPTS, DAY, settings[DAY], "a day, so quarantine would come too late"
