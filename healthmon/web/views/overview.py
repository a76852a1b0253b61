"""What does the first page show? The verdict with the age of what it rests on, and every service, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.clock import to_iso
from healthmon.history.report import OverallHealth, worst_first
from healthmon.model.status import ServiceStatus
from healthmon.web.views import wording

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.answers.live import LiveReport
    from healthmon.history.report import ServiceLine
    from healthmon.store.targets import TargetReport


class Level(StrEnum):
    """What a person feels at first sight. Blind comes before all others: a page that sees nothing must not look well."""

    BLIND = "blind"
    CRITICAL = "critical"
    DEGRADED = "degraded"
    HEALTHY = "healthy"


LEVELS = {
    OverallHealth.CRITICAL: Level.CRITICAL,
    OverallHealth.DEGRADED: Level.DEGRADED,
    OverallHealth.HEALTHY: Level.HEALTHY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time as it is written: for machines, and how long ago for people."""

    iso: str
    age: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    level: Level
    words: str
    counts: str
    data: Moment | None  # of the newest check; None where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    name: str
    href: str
    group: str
    critical: bool
    status: ServiceStatus
    since: Moment | None
    what: str  # what is wrong; empty while it is healthy
    response: str
    uptime: str
    coverage: str
    container: str
    container_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    verdict: Verdict
    rows: tuple[ServiceRow, ...]
    at: Moment


def overview(report: LiveReport, targets: Mapping[int, TargetReport]) -> Overview:
    return Overview(
        verdict=_verdict(report),
        rows=tuple(_row(line, targets.get(line.service.service_id), report.at) for line in worst_first(report.lines)),
        at=_moment(report.at, report.at),
    )


def _verdict(report: LiveReport) -> Verdict:
    newest = max((line.last_updated for line in report.lines if line.last_updated is not None), default=None)
    total, unhealthy = len(report.lines), report.count(ServiceStatus.UNHEALTHY)
    blind = report.count(ServiceStatus.UNKNOWN) == total
    return Verdict(
        level=Level.BLIND if blind else LEVELS[report.overall],
        words=_words(report, blind=blind, unhealthy=unhealthy, total=total),
        counts=_counts(report, total),
        data=None if newest is None else _moment(newest, report.at),
    )


def _words(report: LiveReport, *, blind: bool, unhealthy: int, total: int) -> str:
    if blind:
        return "Nothing is known of any service"
    if unhealthy:
        return f"{unhealthy} of {total} services {'is' if unhealthy == 1 else 'are'} unhealthy"
    if unknown := report.count(ServiceStatus.UNKNOWN):
        return f"{unknown} of {total} services {'is' if unknown == 1 else 'are'} unknown"
    return f"All {total} services are healthy" if total > 1 else "The service is healthy"


def _counts(report: LiveReport, total: int) -> str:
    parts = [f"{report.count(ServiceStatus.HEALTHY)} of {total} healthy"]
    if report.critical_unhealthy:
        parts.append(f"{report.critical_unhealthy} critical unhealthy")
    if unknown := report.count(ServiceStatus.UNKNOWN):
        parts.append(f"{unknown} unknown")
    return " · ".join(parts)


def _row(line: ServiceLine, found: TargetReport | None, now: datetime) -> ServiceRow:
    target = None if found is None else found.target
    return ServiceRow(
        name=line.service.name,
        href=f"/services/{quote(line.service.name, safe='')}",
        group=line.service.group,
        critical=line.service.critical,
        status=line.status,
        since=None if line.status_since is None else _moment(line.status_since, now),
        what="" if line.status is ServiceStatus.HEALTHY else line.error or line.reason.value,
        response=wording.milliseconds(line.response_time_s),
        uptime=wording.percentage(line.uptime),
        coverage=wording.coverage(line.uptime),
        container="" if target is None else target.name,
        container_state="" if target is None else target.state.value,
    )


def _moment(at: datetime, now: datetime) -> Moment:
    return Moment(iso=to_iso(at), age=wording.age(at, now))
