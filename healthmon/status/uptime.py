"""What share of the known time was a service healthy?

Time is booked hour by hour as healthy, unhealthy, unknown or maintenance; the uptime of the last 24 hours is a sum over at most
25 such hours, the oldest of them counted by the part of it that lies inside the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceState, ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WINDOW = timedelta(hours=24)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """Seconds of a stretch of time in which a service was known to be healthy or unhealthy, was not seen, or was in maintenance."""

    healthy_s: float = 0.0
    unhealthy_s: float = 0.0
    unknown_s: float = 0.0
    maintenance_s: float = 0.0

    @property
    def known_s(self) -> float:
        return self.healthy_s + self.unhealthy_s

    @property
    def uptime_percentage(self) -> float | None:
        """The healthy share of the known time; None when nothing is known."""
        return 100 * self.healthy_s / self.known_s if self.known_s > 0 else None

    def coverage(self, asked_s: float) -> float:
        """Return which percent of `asked_s` seconds is known. Maintenance is not asked for."""
        wanted_s = asked_s - self.maintenance_s
        return min(100.0, 100 * self.known_s / wanted_s) if wanted_s > 0 else 0.0

    def times(self, share: float) -> Booked:
        return Booked(
            healthy_s=self.healthy_s * share,
            unhealthy_s=self.unhealthy_s * share,
            unknown_s=self.unknown_s * share,
            maintenance_s=self.maintenance_s * share,
        )

    def plus(self, span: Span, seconds: float) -> Booked:
        status = None if span.in_maintenance else span.status
        return Booked(
            healthy_s=self.healthy_s + seconds * (status is ServiceStatus.HEALTHY),
            unhealthy_s=self.unhealthy_s + seconds * (status is ServiceStatus.UNHEALTHY),
            unknown_s=self.unknown_s + seconds * (status is ServiceStatus.UNKNOWN),
            maintenance_s=self.maintenance_s + seconds * span.in_maintenance,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """`percentage` is None when nothing is known; `coverage` is the percent of the booked time that is known."""

    percentage: float | None = None
    coverage: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in which a service was one thing."""

    status: ServiceStatus
    start: datetime
    end: datetime
    in_maintenance: bool = False


def spans_until(before: ServiceState, after: ServiceState, at: datetime, *, max_gap: timedelta) -> tuple[Span, ...]:
    """Return how the time since `before.accounted_until` is to be booked now that a look at `at` led to `after`.

    A failure counts from its first failed look on, once it is confirmed; until then nothing is booked (and
    `accounted_until` stays). What is known holds for `max_gap` after a look; the rest of a longer gap is unknown.
    """
    start = before.accounted_until
    if start is None or start >= at:
        return ()
    known_until = min(at, start + max_gap)
    failed_at = after.streak_started_at
    turned = after.status is ServiceStatus.UNHEALTHY and before.status is not ServiceStatus.UNHEALTHY
    if turned and failed_at is not None:
        turn = min(max(failed_at, start), at)
        spans = [
            Span(status=before.status, start=start, end=min(turn, known_until)),
            Span(status=ServiceStatus.UNKNOWN, start=known_until, end=turn),
            Span(status=ServiceStatus.UNHEALTHY, start=turn, end=at),
        ]
    else:
        spans = [
            Span(status=before.status, start=start, end=known_until),
            Span(status=ServiceStatus.UNKNOWN, start=known_until, end=at),
        ]
    return tuple(span for span in spans if span.start < span.end)


def apart(span: Span, periods: Iterable[tuple[datetime, datetime]]) -> list[Span]:
    """Return the parts of a stretch, in their order: those that lie in one of these periods of maintenance, and the rest."""
    parts, at = [], span.start
    for start, end in sorted(periods):
        begin, finish = max(start, at), min(end, span.end)
        if begin >= finish:
            continue
        if at < begin:
            parts.append(replace(span, start=at, end=begin))
        parts.append(replace(span, start=begin, end=finish, in_maintenance=True))
        at = finish
    if at < span.end:
        parts.append(replace(span, start=at))
    return parts


def hour_of(at: datetime) -> datetime:
    """Return the first instant of the hour that `at` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def book(booked: dict[datetime, Booked], span: Span) -> dict[datetime, Booked]:
    """Return the hours that change when `span` is booked."""
    changed: dict[datetime, Booked] = {}
    at = span.start
    while at < span.end:
        hour = hour_of(at)
        until = min(span.end, hour + HOUR)
        before = booked.get(hour, Booked())
        changed[hour] = before.plus(span, (until - at).total_seconds())
        at = until
    return changed


def total(parts: Iterable[Booked]) -> Booked:
    """Return the time of all parts together."""
    known = list(parts)
    return Booked(
        healthy_s=sum(one.healthy_s for one in known),
        unhealthy_s=sum(one.unhealthy_s for one in known),
        unknown_s=sum(one.unknown_s for one in known),
        maintenance_s=sum(one.maintenance_s for one in known),
    )


def lately(booked: Mapping[datetime, Booked], now: datetime, length: timedelta) -> Booked:
    """Return the time of the last `length`, at most 24 hours: of its first hour the part that lies inside.

    Asked with every look: so without a value for each hour.
    """
    start = now - length
    whole_from = hour_of(start) + HOUR
    healthy_s = unhealthy_s = unknown_s = maintenance_s = 0.0
    for hour, hours in booked.items():
        if hour >= whole_from:
            share = 1.0
        elif hour + HOUR > start:
            share = (hour + HOUR - start) / HOUR
        else:
            continue
        healthy_s += hours.healthy_s * share
        unhealthy_s += hours.unhealthy_s * share
        unknown_s += hours.unknown_s * share
        maintenance_s += hours.maintenance_s * share
    return Booked(healthy_s=healthy_s, unhealthy_s=unhealthy_s, unknown_s=unknown_s, maintenance_s=maintenance_s)


def unhealthy_share(booked: Mapping[datetime, Booked], now: datetime, length: timedelta) -> float | None:
    """Return the unhealthy share of the known time of the last `length`; None when nothing is known."""
    found = lately(booked, now, length)
    return found.unhealthy_s / found.known_s if found.known_s > 0 else None


def uptime(booked: Mapping[datetime, Booked], now: datetime) -> Uptime:
    """Return the uptime of the 24 hours before `now`."""
    found = lately(booked, now, WINDOW)
    percentage = found.uptime_percentage
    if percentage is None:
        return Uptime()
    return Uptime(
        percentage=round(percentage, 3),
        coverage=round(100 * found.known_s / (found.known_s + found.unknown_s), 3),
    )
