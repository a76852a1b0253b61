"""What does the first page show? The verdict with the age of what it rests on, what is wrong, and every service, worst first."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.history.report import OverallHealth
from healthmon.history.rollups import checks_of
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from healthmon.status.uptime import Uptime
from healthmon.web.views import wording
from healthmon.web.views.choice import Choice, address, of_ranges
from healthmon.web.views.moments import Moment, moment, moment_or_none
from healthmon.web.views.period import Periods, Span, periods
from healthmon.web.views.restarts import MADE, Week, restarts, week
from healthmon.web.views.sparkline import Sparkline, sparkline
from healthmon.web.views.strip import Strip, strip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.answers.live import LiveReport
    from healthmon.answers.overview import Past, Standing
    from healthmon.config import ServiceSettings
    from healthmon.history.report import ServiceLine
    from healthmon.web.views.choice import Chosen
    from healthmon.web.views.problems import Problem

US = 1e6
MOST_COLUMNS = 10


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
class Verdict:
    level: Level
    words: str
    counts: str
    data: Moment | None  # of the newest check; None where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    key: str
    name: str
    href: str
    group: str
    critical: bool
    status: ServiceStatus
    since: Moment | None
    what: str  # what is wrong; empty while it is healthy
    response: str
    percentiles: str
    uptime: str
    coverage: str
    failed: str  # which share of its checks; empty when none did
    strip: Strip
    sparkline: Sparkline | None
    container: str
    container_state: str  # where it is another than it should be
    container_age: str
    engine_restarts: int
    healed: int  # restarts by healing, of seven days
    memory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFilter:
    word: str
    href: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    verdict: Verdict
    problems: tuple[Problem, ...]
    undelivered: tuple[str, ...]  # channels that do not get through, in words
    rows: tuple[ServiceRow, ...]
    columns: int  # of tiles on a wall
    choice: Choice
    statuses: tuple[StatusFilter, ...]
    groups: tuple[str, ...]
    matching: str
    before: str
    after: str
    restarts: str
    week: Week | None
    periods: Periods
    span: Span
    at: Moment


def overview(  # noqa: PLR0913  what it rests on, one name each
    standing: Standing,
    found: tuple[Problem, ...],
    *,
    chosen: Chosen,
    pasts: Mapping[int, Past],
    choice: Choice,
    span: Span,
    settings: Mapping[str, ServiceSettings],
) -> Overview:
    report = standing.report
    healed = Counter(heal.service_id for heal in standing.week if heal.state in MADE)
    return Overview(
        verdict=_verdict(report, found),
        problems=found,
        undelivered=tuple(
            f"{one.channel} has not got through for {wording.age(one.failing_since, report.at)}: {one.last_error or 'no reason is known'}"
            for one in standing.failing_channels
        ),
        rows=tuple(
            _row(line, standing, pasts[line.service.service_id], settings[line.service.name], healed[line.service.service_id])
            for line in chosen.lines
        ),
        columns=_columns(len(chosen.lines)),
        choice=choice,
        statuses=_statuses(report, choice),
        groups=tuple(sorted({line.service.group for line in report.lines})),
        matching="" if chosen.matching == len(report.lines) else f"{chosen.matching} of {len(report.lines)}",
        before=chosen.before,
        after=chosen.after,
        restarts=restarts(standing.week),
        week=week(standing.week, {line.service.service_id: line.service.name for line in report.lines}),
        periods=periods(choice.period, span, action="/", links=of_ranges(choice), kept=_kept(choice)),
        span=span,
        at=moment(report.at, report.at),
    )


def _columns(tiles: int) -> int:
    """Return into how many columns tiles fit a wide screen, each about twice as wide as high."""
    return max(1, min(MOST_COLUMNS, math.ceil(math.sqrt(tiles))))


def _verdict(report: LiveReport, found: tuple[Problem, ...]) -> Verdict:
    newest = max((line.last_updated for line in report.lines if line.last_updated is not None), default=None)
    total, unhealthy = len(report.lines), report.count(ServiceStatus.UNHEALTHY)
    blind = report.count(ServiceStatus.UNKNOWN) == total
    return Verdict(
        level=Level.BLIND if blind else LEVELS[report.overall],
        words=_words(report, blind=blind, unhealthy=unhealthy, total=total),
        counts=_counts(report, found, total),
        data=None if newest is None else moment(newest, report.at),
    )


def _words(report: LiveReport, *, blind: bool, unhealthy: int, total: int) -> str:
    if blind:
        return "Nothing is known of any service"
    if unhealthy:
        return f"{unhealthy} of {total} services {'is' if unhealthy == 1 else 'are'} unhealthy"
    if unknown := report.count(ServiceStatus.UNKNOWN):
        return f"{unknown} of {total} services {'is' if unknown == 1 else 'are'} unknown"
    return f"All {total} services are healthy" if total > 1 else "The service is healthy"


def _counts(report: LiveReport, found: tuple[Problem, ...], total: int) -> str:
    parts = [f"{report.count(ServiceStatus.HEALTHY)} of {total} healthy"]
    if report.critical_unhealthy:
        parts.append(f"{report.critical_unhealthy} critical unhealthy")
    if unknown := report.count(ServiceStatus.UNKNOWN):
        parts.append(f"{unknown} unknown")
    roots = [one.because_of or one.name for one in found if one.dependents or one.because_of]
    if roots:
        parts.append(f"because of {', '.join(dict.fromkeys(roots))}")
    if acknowledged := sum(one.is_acknowledged for one in found):
        parts.append(f"{acknowledged} acknowledged")
    return " · ".join(parts)


def _uptime(line: ServiceLine, past: Past) -> Uptime:
    """Return it with the percent of the time that is known. That of the last day is what everything else says, too."""
    if past.booked is None:
        return line.uptime
    percentage, coverage = past.booked.uptime_percentage, past.booked.coverage((past.until - past.since).total_seconds())
    return Uptime() if percentage is None else Uptime(percentage=percentage, coverage=coverage)


def _kept(choice: Choice) -> tuple[tuple[str, str], ...]:
    """Return what the form for other times sends along."""
    asked = {"q": choice.text, "group": choice.group, "status": choice.status or "", "kiosk": "1" if choice.kiosk else ""}
    return tuple((name, value) for name, value in asked.items() if value)


def _row(line: ServiceLine, standing: Standing, past: Past, settings: ServiceSettings, healed: int) -> ServiceRow:
    name, live = line.service.name, standing.report
    report, usage = standing.targets.get(line.service.service_id), standing.usages.get(line.service.service_id)
    target = None if report is None else report.target
    checks = sum(point.rollup.checks.checks for point in past.points)
    good = sum(point.rollup.checks.healthy_checks for point in past.points)
    uptime = _uptime(line, past)
    return ServiceRow(
        key=f"service-{line.service.service_id}-{quote(name, safe='')}",
        name=name,
        href=f"/services/{quote(name, safe='')}",
        group=line.service.group,
        critical=line.service.critical,
        status=line.status,
        since=moment_or_none(line.status_since, live.at),
        what="" if line.status is ServiceStatus.HEALTHY else line.error or line.reason.value,
        response=wording.milliseconds(line.response_time_s),
        percentiles=_percentiles(past),
        uptime=wording.percentage(uptime),
        coverage=wording.coverage(uptime),
        failed=wording.failed(checks, good),
        strip=strip({one.start: one.rollup.time for one in past.points}, past.incidents, since=past.since, until=past.until, step=past.step),
        sparkline=sparkline(past.points, since=past.since, span=past.until - past.since, expected_s=settings.expected_response_time),
        container="" if target is None else target.name,
        container_state="" if target is None or target.state is TargetState.RUNNING else target.state.value,
        container_age="" if target is None or target.started_at is None else wording.age(target.started_at, live.at),
        engine_restarts=0 if target is None else target.restart_count,
        healed=healed,
        memory="" if usage is None else f"memory {usage.memory_percent:.0f}%",
    )


def _percentiles(past: Past) -> str:
    """Return median and 95th percentile. Merging the histograms of a day is for the first minutes, in which none are counted."""
    found = past.percentiles_us
    if found is None:
        counted = checks_of(point.rollup.checks for point in past.points)
        median, high = counted.percentile_us(50), counted.percentile_us(95)
        if median is None or high is None:
            return ""
        found = median, high
    return " / ".join(wording.milliseconds(us / US) for us in found)


def _statuses(report: LiveReport, choice: Choice) -> tuple[StatusFilter, ...]:
    def one(word: str, status: ServiceStatus | None, count: int) -> StatusFilter:
        href = address(replace(choice, status=status, page=1), page=1)
        return StatusFilter(word=word, href=href, count=count, is_chosen=choice.status is status)

    order = (ServiceStatus.UNHEALTHY, ServiceStatus.UNKNOWN, ServiceStatus.HEALTHY)
    return (one("all", None, len(report.lines)), *(one(status.value, status, report.count(status)) for status in order))
