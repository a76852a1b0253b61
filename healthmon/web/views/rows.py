"""What does a service's row on the first page show: how it is, how it was, how fast it answers, and what runs it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.history.rollups import checks_of
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from healthmon.status.uptime import Uptime
from healthmon.web.views import wording
from healthmon.web.views.budget import BudgetBar, budget_bar
from healthmon.web.views.moments import Moment, moment_or_none
from healthmon.web.views.sparkline import Sparkline, sparkline
from healthmon.web.views.strip import Strip, strip

if TYPE_CHECKING:
    from healthmon.answers.overview import Past, Standing
    from healthmon.config import ServiceSettings
    from healthmon.history.report import ServiceLine
    from healthmon.history.slo import Budget
    from healthmon.web.views.axis import Axis

US = 1e6
FULL_PERCENT = 99.5  # of a budget: what is written as 100% is no news


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
    budget: BudgetBar | None  # None where nothing of it is spent, or nobody asked
    strip: Strip
    sparkline: Sparkline | None
    container: str
    container_state: str  # where it is another than it should be
    container_age: str
    engine_restarts: int
    healed: int  # restarts by healing, of seven days
    memory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One service beside how it is now: its past and where that is drawn, its settings, its restarts of seven days, and its budget."""

    past: Past
    axis: Axis
    settings: ServiceSettings
    healed: int
    budget: Budget | None


def service_row(line: ServiceLine, standing: Standing, about: About) -> ServiceRow:
    name, past, live = line.service.name, about.past, standing.report
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
        budget=None if about.budget is None or about.budget.left_percent > FULL_PERCENT else budget_bar(about.budget.left_percent),
        strip=strip(about.axis, {one.start: one.rollup.time for one in past.points}, past.incidents),
        sparkline=sparkline(about.axis, past.points, expected_s=about.settings.expected_response_time),
        container="" if target is None else target.name,
        container_state="" if target is None or target.state is TargetState.RUNNING else target.state.value,
        container_age="" if target is None or target.started_at is None else wording.age(target.started_at, live.at),
        engine_restarts=0 if target is None else target.restart_count,
        healed=about.healed,
        memory="" if usage is None else f"memory {usage.memory_percent:.0f}%",
    )


def _uptime(line: ServiceLine, past: Past) -> Uptime:
    """Return it with the percent of the time that is known. That of the last day is what everything else says, too."""
    if past.booked is None:
        return line.uptime
    percentage, coverage = past.booked.uptime_percentage, past.booked.coverage((past.until - past.since).total_seconds())
    return Uptime() if percentage is None else Uptime(percentage=percentage, coverage=coverage)


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
