"""What does the page show that is for everybody? Which services work, and when they did not: no hosts, no addresses, no errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.clock import duration, to_iso
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from healthmon.history.report import Report
    from healthmon.model.incident import Incident

DAYS = 14
WORDS = {ServiceStatus.HEALTHY: "works", ServiceStatus.UNHEALTHY: "does not work", ServiceStatus.UNKNOWN: "not known"}
MAINTENANCE = "in maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicService:
    name: str
    kind: str  # of its shape and colour
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOutage:
    name: str
    began: str  # the time of the day
    lasted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicDay:
    iso: str
    words: str
    outages: tuple[PublicOutage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPage:
    title: str
    level: str
    words: str
    groups: tuple[tuple[str, tuple[PublicService, ...]], ...]
    days: tuple[PublicDay, ...]  # the newest first
    at: str
    at_iso: str


def public_page(report: Report, outages: Sequence[Incident], *, working: Collection[str], title: str) -> PublicPage:
    """Return the page. `working` are the services that people work on now."""
    services = [(line.service.group, _service(line.service.name, line.status, working)) for line in report.lines]
    groups = dict.fromkeys(group for group, _ in services)
    names = {line.service.service_id: line.service.name for line in report.lines}
    level, words = _verdict([service for _, service in services])
    return PublicPage(
        title=title,
        level=level,
        words=words,
        groups=tuple((name, tuple(service for group, service in services if group == name)) for name in groups),
        days=tuple(_days([one for one in outages if one.service_id in names], names, report.at)),
        at=f"{report.at:%H:%M} UTC",
        at_iso=to_iso(report.at),
    )


def first_day(now: datetime) -> datetime:
    """Return the beginning of the oldest day that is shown."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)


def _service(name: str, status: ServiceStatus, working: Collection[str]) -> PublicService:
    if name in working:
        return PublicService(name=name, kind="maintenance", word=MAINTENANCE)
    return PublicService(name=name, kind=status.value, word=WORDS[status])


def _verdict(services: Sequence[PublicService]) -> tuple[str, str]:
    """Return the level, and what is said first. What people work on is announced, and no outage."""
    down = sum(service.kind == "unhealthy" for service in services)
    if down:
        return "critical", f"{down} of {len(services)} services {'does' if down == 1 else 'do'} not work"
    if all(service.kind == "unknown" for service in services):
        return "blind", "Nothing is known at the moment"
    if any(service.kind == "unknown" for service in services):
        return "degraded", "Not everything is known at the moment"
    if any(service.kind == "maintenance" for service in services):
        return "maintenance", "Some services are being worked on"
    return "healthy", "All services work"


def _days(outages: Sequence[Incident], names: dict[int, str], now: datetime) -> Iterable[PublicDay]:
    for back in range(DAYS):
        begin = first_day(now) + timedelta(days=DAYS - 1 - back)
        mine = sorted((one for one in outages if _shown_on(one, now) == begin.date()), key=lambda one: one.started_at, reverse=True)
        yield PublicDay(iso=begin.date().isoformat(), words=f"{begin:%A} {begin.day} {begin:%B %Y}", outages=tuple(_outage(one, names, now) for one in mine))


def _shown_on(outage: Incident, now: datetime) -> object:
    """Return the day on which it began, or the oldest that is shown."""
    return max(outage.started_at, first_day(now)).date()


def _outage(outage: Incident, names: dict[int, str], now: datetime) -> PublicOutage:
    lasted = duration(((outage.resolved_at or now) - outage.started_at).total_seconds())
    return PublicOutage(
        name=names[outage.service_id],
        began=f"{outage.started_at:%H:%M}",
        lasted=lasted if outage.resolved_at else f"{lasted} so far",
    )
