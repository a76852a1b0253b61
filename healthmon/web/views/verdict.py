"""What does a person read first: how everything is, in a line, with the age of what it rests on?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.history.report import OverallHealth
from healthmon.model.status import ServiceStatus
from healthmon.web.views.moments import Moment, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.answers.live import LiveReport
    from healthmon.web.views.problems import Problem


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


def verdict(report: LiveReport, found: Sequence[Problem]) -> Verdict:
    """Return it; `found` is what is wrong."""
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


def _counts(report: LiveReport, found: Sequence[Problem], total: int) -> str:
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
