"""How was a service over a stretch of time, as a strip in which a minute is as wide as any other?

All strips of a page share one axis, so outages that began together stand above one another. Hours, or days, say what was
known; outages are drawn to the second over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.clock import duration, to_people
from healthmon.history.rollups import DAY, day_of
from healthmon.status.uptime import HOUR, hour_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from healthmon.model.incident import Incident
    from healthmon.status.uptime import Booked

WIDTH = 1_440  # of a strip, in units of its own
NARROWEST = 6  # an outage of seconds is to be seen, too
SOME = 0.5  # of an hour or a day decides what it is drawn as


class PartKind(StrEnum):
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    kind: PartKind
    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One row of the strip's twin in words."""

    from_s: int  # since 1970
    to_s: int
    started: str
    lasted: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """`words` say it all in one sentence, for who does not see it."""

    parts: tuple[Part, ...]
    words: str
    outages: tuple[Outage, ...]


def strip(
    booked: Mapping[datetime, Booked], incidents: Iterable[Incident], *, since: datetime, until: datetime, step: timedelta = HOUR
) -> Strip:
    """Return the strip of [since, until). `booked` is the time that was booked, by the start of each hour, or of each day."""
    outages = [one for one in incidents if one.started_at < until and (one.resolved_at is None or one.resolved_at > since)]
    parts = [*_merged(_steps(booked, since, until, step)), *(_of_outage(one, since, until) for one in outages)]
    return Strip(parts=tuple(parts), words=_words(parts, outages, since, until), outages=tuple(_outage(one, until) for one in outages))


def _steps(booked: Mapping[datetime, Booked], since: datetime, until: datetime, step: timedelta) -> list[Part]:
    parts, start = [], hour_of(since) if step < DAY else day_of(since)
    while start < until:
        begin, end = max(start, since), min(start + step, until)
        left, right = _x(begin, since, until), _x(end, since, until)
        parts.append(Part(kind=_kind(booked.get(start), _seen(start, end, until, step)), x=left, width=right - left))
        start += step
    return parts


def _seen(start: datetime, end: datetime, until: datetime, step: timedelta) -> timedelta:
    """Return for how much of a step anything can be booked by now: what began before the strip is booked as a whole."""
    return step if end < until else end - start


def _kind(booked: Booked | None, elapsed: timedelta) -> PartKind:
    """Return what most of an hour or a day was. What nobody looked at is unknown; outages are drawn over it."""
    if booked is None:
        return PartKind.UNKNOWN
    if booked.maintenance_s >= SOME * elapsed.total_seconds():
        return PartKind.MAINTENANCE
    seen_s = booked.known_s + booked.maintenance_s
    return PartKind.HEALTHY if seen_s >= SOME * elapsed.total_seconds() else PartKind.UNKNOWN


def _merged(parts: list[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        if found and found[-1].kind is part.kind:
            found[-1] = Part(kind=part.kind, x=found[-1].x, width=found[-1].width + part.width)
        else:
            found.append(part)
    return found


def _of_outage(incident: Incident, since: datetime, until: datetime) -> Part:
    begin, end = max(incident.started_at, since), min(incident.resolved_at or until, until)
    left = _x(begin, since, until)
    width = max(NARROWEST, _x(end, since, until) - left)
    return Part(kind=PartKind.UNHEALTHY, x=min(left, WIDTH - width), width=width)


def _x(at: datetime, since: datetime, until: datetime) -> int:
    return round(WIDTH * ((at - since) / (until - since)))


def _outage(incident: Incident, now: datetime) -> Outage:
    lasted = duration(((incident.resolved_at or now) - incident.started_at).total_seconds())
    return Outage(
        from_s=round(incident.started_at.timestamp()),
        to_s=round((incident.resolved_at or now).timestamp()),
        started=to_people(incident.started_at),
        lasted=lasted if incident.resolved_at is not None else f"{lasted} so far",
        reason=incident.error_message or incident.reason.value,
    )


def _words(parts: list[Part], outages: list[Incident], since: datetime, until: datetime) -> str:
    span = duration((until - since).total_seconds())
    if all(part.kind is PartKind.UNKNOWN for part in parts):
        return f"Nothing is known of {span}"
    if not outages:
        return f"No outage in {span}"
    seconds = sum((min(one.resolved_at or until, until) - max(one.started_at, since)).total_seconds() for one in outages)
    return f"{len(outages)} outage{'s' if len(outages) > 1 else ''} in {span}, {duration(seconds)} in all"
