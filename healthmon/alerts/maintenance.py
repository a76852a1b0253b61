"""When is a service in maintenance? Recurring windows as cron knows them, and single ones.

A recurring window begins when its cron expression says so on the clock of its time zone, and lasts as long as it says in
real time: where a clock is set forward, one that begins in the hour that is left out begins after it; where a clock is
set back, one begins once. These are the rules of Debian's cron.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from healthmon.alerts.settings import MaintenanceSettings

FIELDS = 5
HORIZON = timedelta(days=5 * 365)
JUDGED_FROM = datetime(2027, 1, 1, tzinfo=UTC)  # any day does: a cron expression knows no years
JUDGED_STARTS = 100

Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Times in which some services are worked on. It is for all services when it names none and no groups."""

    name: str
    services: frozenset[str] = field(default=frozenset())
    groups: frozenset[str] = field(default=frozenset())
    cron: str | None = None
    timezone: str = "UTC"
    duration: timedelta = timedelta(0)
    once: Period | None = None

    def is_for(self, service: str, group: str) -> bool:
        everywhere = not self.services and not self.groups
        return everywhere or service in self.services or group in self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a service stands to maintenance at one moment: until when it is in it, and when its last one of late ended."""

    until: datetime | None = None
    ended_at: datetime | None = None


NO_MAINTENANCE = Standing()


def windows(settings: Iterable[MaintenanceSettings]) -> tuple[Window, ...]:
    """Return the windows of a file. What they say was found right when the file was read."""
    return tuple(map(_window, settings))


def periods(window: Window, since: datetime, until: datetime) -> list[Period]:
    """Return the times of a window that begin before or at `until` and end after `since`, in UTC."""
    if window.once is not None:
        return [window.once] if window.once[0] <= until and window.once[1] > since else []
    found = []
    for begins in _starts(window, since - window.duration):
        if begins > until:
            break
        found.append((begins, begins + window.duration))
    return found


def following(window: Window, now: datetime) -> Period | None:
    """Return the next time of a window that has not begun yet."""
    if window.once is not None:
        return window.once if window.once[0] > now else None
    begins = next(_starts(window, now), None)
    return None if begins is None else (begins, begins + window.duration)


def standing(found: Iterable[Period], now: datetime) -> Standing:
    """Return how a service stands, of the times of all its windows around `now`."""
    seen = list(found)
    return Standing(
        until=max((end for start, end in seen if start <= now < end), default=None),
        ended_at=max((end for _, end in seen if end <= now), default=None),
    )


def require_cron(expression: str, timezone: str) -> None:
    """Raise ValueError for what is no cron expression of five fields, or names a moment that never comes."""
    if len(expression.split()) != FIELDS:
        raise ValueError(f"must have {FIELDS} fields: minute, hour, day of month, month, day of week, as in '0 3 * * sun'")
    try:
        first = next(CronSim(expression, JUDGED_FROM.astimezone(ZoneInfo(timezone))), None)
    except (CronSimError, ArithmeticError, AssertionError, ValueError) as error:
        what = str(error).removeprefix("Bad ") or "one of its fields"
        raise ValueError(f"is no cron expression: look at its {what}; write as in '0 3 * * sun'") from None
    if first is None or first > JUDGED_FROM + HORIZON:
        raise ValueError("names a moment that does not come within 5 years: check day and month")


def never_ends(expression: str, timezone: str, duration: timedelta) -> bool:
    """Tell whether a window always begins again before it is over."""
    starts = list(islice(_starts(Window(name="", cron=expression, timezone=timezone), JUDGED_FROM), JUDGED_STARTS))
    return all(later - earlier <= duration for earlier, later in pairwise(starts))


def _starts(window: Window, after: datetime) -> Iterator[datetime]:
    if window.cron is None:
        return
    for begins in CronSim(window.cron, after.astimezone(ZoneInfo(window.timezone))):
        yield begins.astimezone(UTC)


def _window(settings: MaintenanceSettings) -> Window:
    once = None
    if settings.starts_at is not None and settings.ends_at is not None:
        once = (settings.starts_at.astimezone(UTC), settings.ends_at.astimezone(UTC))
    return Window(
        name=settings.name,
        services=frozenset(settings.services),
        groups=frozenset(settings.groups),
        cron=settings.cron,
        timezone=settings.timezone,
        duration=timedelta(minutes=settings.duration_minutes or 0),
        once=once,
    )
