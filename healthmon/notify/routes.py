"""To which channels does a message go? The first route that takes it decides; what none takes goes to all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from healthmon.alerts.settings import DAYS, minutes_of
from healthmon.notify.decision import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.alerts.settings import EscalationSettings, RouteSettings
    from healthmon.model.alert import AlertSeverity

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What it does not name, it takes all of. `hours` are minutes of the day; an end that is not later is of the next day."""

    channels: tuple[str, ...]
    severities: frozenset[AlertSeverity] = field(default=frozenset())
    services: frozenset[str] = field(default=frozenset())
    groups: frozenset[str] = field(default=frozenset())
    timezone: str = "UTC"
    hours: tuple[int, int] | None = None
    days: frozenset[str] = field(default=frozenset())  # on which its hours begin

    @property
    def takes_everything(self) -> bool:
        return not (self.severities or self.services or self.groups or self.hours or self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a message is about."""

    service: str
    group: str
    severity: AlertSeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The routes, every channel that is switched on, and who else is told of what nobody acknowledges."""

    every: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    escalation: tuple[Step, ...] = ()

    def channels_of(self, subject: Subject, now: datetime) -> tuple[str, ...]:
        """Return the channels that are to hear of it now."""
        found = next((route for route in self.routes if takes(route, subject, now)), None)
        return self.every if found is None else found.channels


def routes(settings: Iterable[RouteSettings]) -> tuple[Route, ...]:
    """Return the routes of a file. What they say was found right when the file was read."""
    return tuple(
        Route(
            channels=tuple(dict.fromkeys(one.channels)),
            severities=frozenset(one.severities),
            services=frozenset(one.services),
            groups=frozenset(one.groups),
            timezone=one.timezone,
            hours=None if one.hours is None else minutes_of(one.hours),
            days=frozenset(one.days),
        )
        for one in settings
    )


def steps(settings: Iterable[EscalationSettings]) -> tuple[Step, ...]:
    """Return the steps of a file's escalation."""
    return tuple(
        Step(after_minutes=one.after_minutes, channels=tuple(dict.fromkeys(one.channels)), severities=frozenset(one.severities))
        for one in settings
    )


def takes(route: Route, subject: Subject, now: datetime) -> bool:
    if route.severities and subject.severity not in route.severities:
        return False
    everywhere = not route.services and not route.groups
    return (everywhere or subject.service in route.services or subject.group in route.groups) and _is_open(route, now)


def _is_open(route: Route, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(route.timezone))
    if route.hours is None:
        return _on(route, local)
    start, end = route.hours
    minute = local.hour * 60 + local.minute
    if start < end:
        return start <= minute < end and _on(route, local)
    return (minute >= start and _on(route, local)) or (minute < end and _on(route, local - ONE_DAY))


def _on(route: Route, local: datetime) -> bool:
    return not route.days or DAYS[local.weekday()] in route.days
