"""How was a service over a stretch of time, as a strip in which a minute is as wide as any other?

All strips of a page share one axis, so outages that began together stand above one another. Hours, or days, say what was
known; outages are drawn to the second over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from healthmon.clock import duration, to_people
from healthmon.web.views.axis import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from healthmon.model.incident import Incident
    from healthmon.status.uptime import Booked
    from healthmon.web.views.axis import Axis

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


def strip(axis: Axis, booked: Mapping[datetime, Booked], incidents: Iterable[Incident]) -> Strip:
    """Return the strip of an axis. `booked` is the time that was booked, by the start of each hour, or of each day."""
    outages = [one for one in incidents if one.started_at < axis.until and (one.resolved_at is None or one.resolved_at > axis.since)]
    parts = (*_known(axis, booked), *(_of_outage(one, axis) for one in outages))
    return Strip(parts=parts, words=_words(parts, outages, axis), outages=tuple(_outage(one, axis.until) for one in outages))


def _known(axis: Axis, booked: Mapping[datetime, Booked]) -> Iterator[Part]:
    """Yield what was known, hours or days that were alike as one."""
    for kind, steps in groupby(axis.steps, lambda step: _kind(booked.get(step.start), step.bookable_s)):
        first, *rest = steps
        last = rest[-1] if rest else first
        yield Part(kind=kind, x=first.left, width=last.right - first.left)


def _kind(booked: Booked | None, bookable_s: float) -> PartKind:
    """Return what most of an hour or a day was. What nobody looked at is unknown; outages are drawn over it."""
    if booked is None:
        return PartKind.UNKNOWN
    if booked.maintenance_s >= SOME * bookable_s:
        return PartKind.MAINTENANCE
    return PartKind.HEALTHY if booked.known_s + booked.maintenance_s >= SOME * bookable_s else PartKind.UNKNOWN


def _of_outage(incident: Incident, axis: Axis) -> Part:
    left = axis.x(max(incident.started_at, axis.since))
    width = max(NARROWEST, axis.x(min(incident.resolved_at or axis.until, axis.until)) - left)
    return Part(kind=PartKind.UNHEALTHY, x=min(left, WIDTH - width), width=width)


def _outage(incident: Incident, now: datetime) -> Outage:
    lasted = duration(((incident.resolved_at or now) - incident.started_at).total_seconds())
    return Outage(
        from_s=round(incident.started_at.timestamp()),
        to_s=round((incident.resolved_at or now).timestamp()),
        started=to_people(incident.started_at),
        lasted=lasted if incident.resolved_at is not None else f"{lasted} so far",
        reason=incident.error_message or incident.reason.value,
    )


def _words(parts: Iterable[Part], outages: list[Incident], axis: Axis) -> str:
    span = duration((axis.until - axis.since).total_seconds())
    if all(part.kind is PartKind.UNKNOWN for part in parts):
        return f"Nothing is known of {span}"
    if not outages:
        return f"No outage in {span}"
    seconds = sum((min(one.resolved_at or axis.until, axis.until) - max(one.started_at, axis.since)).total_seconds() for one in outages)
    return f"{len(outages)} outage{'s' if len(outages) > 1 else ''} in {span}, {duration(seconds)} in all"
