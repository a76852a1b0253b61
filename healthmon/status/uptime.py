"""What share of the known time was a service healthy?

Time is booked hour by hour as healthy, unhealthy or unknown; the uptime of the last 24 hours is a sum over at most
25 such hours, the oldest of them counted by the part of it that lies inside the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceState, ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

WINDOW = timedelta(hours=24)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Booked seconds of one hour of one service."""

    healthy_s: float = 0.0
    unhealthy_s: float = 0.0
    unknown_s: float = 0.0

    def plus(self, status: ServiceStatus, seconds: float) -> Hours:
        return Hours(
            healthy_s=self.healthy_s + seconds * (status is ServiceStatus.HEALTHY),
            unhealthy_s=self.unhealthy_s + seconds * (status is ServiceStatus.UNHEALTHY),
            unknown_s=self.unknown_s + seconds * (status is ServiceStatus.UNKNOWN),
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


def outside(span: Span, periods: Iterable[tuple[datetime, datetime]]) -> list[Span]:
    """Return the parts of a stretch that lie in none of these periods."""
    parts, at = [], span.start
    for start, end in sorted(periods):
        if at < min(start, span.end):
            parts.append(Span(status=span.status, start=at, end=min(start, span.end)))
        at = max(at, end)
    if at < span.end:
        parts.append(Span(status=span.status, start=at, end=span.end))
    return parts


def hour_of(at: datetime) -> datetime:
    """Return the first instant of the hour that `at` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def book(booked: dict[datetime, Hours], span: Span) -> dict[datetime, Hours]:
    """Return the hours that change when `span` is booked."""
    changed: dict[datetime, Hours] = {}
    at = span.start
    while at < span.end:
        hour = hour_of(at)
        until = min(span.end, hour + HOUR)
        before = booked.get(hour, Hours())
        changed[hour] = before.plus(span.status, (until - at).total_seconds())
        at = until
    return changed


def uptime(booked: dict[datetime, Hours], now: datetime) -> Uptime:
    """Return the uptime of the 24 hours before `now`."""
    start = now - WINDOW
    healthy_s = unhealthy_s = unknown_s = 0.0
    for hour, hours in booked.items():
        share = min(1.0, max(0.0, (hour + HOUR - start) / HOUR))
        healthy_s += hours.healthy_s * share
        unhealthy_s += hours.unhealthy_s * share
        unknown_s += hours.unknown_s * share
    known_s = healthy_s + unhealthy_s
    if known_s <= 0:
        return Uptime()
    return Uptime(
        percentage=round(100 * healthy_s / known_s, 3),
        coverage=round(100 * known_s / (known_s + unknown_s), 3),
    )
