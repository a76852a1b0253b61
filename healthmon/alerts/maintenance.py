"""When is a service in maintenance? Recurring windows as cron knows them, and single ones.

A recurring window begins when its cron expression says so, and lasts as long as it says in real time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.alerts.cron import starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from healthmon.alerts.settings import MaintenanceSettings

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


def _starts(window: Window, after: datetime) -> Iterator[datetime]:
    return iter(()) if window.cron is None else starts(window.cron, window.timezone, after)


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
