"""How does a table of services look? For a person on a terminal with colour, in a pipe as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import log
from healthmon.cli.terminal import a_console, a_table, say, styled
from healthmon.history.report import worst_first
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.answers.live import LiveReport
    from healthmon.history.report import Report, ServiceLine
    from healthmon.store.targets import TargetReport

MARKS = {ServiceStatus.HEALTHY: "●", ServiceStatus.UNHEALTHY: "✖", ServiceStatus.UNKNOWN: "?"}
STYLES = {ServiceStatus.HEALTHY: "green", ServiceStatus.UNHEALTHY: "bold red", ServiceStatus.UNKNOWN: "yellow"}
COLUMNS = ("", "service", "status", "for", "response", "uptime 24 h", "container", "what")
NARROW = 100  # columns of a terminal, below which the least telling ones are left out
LEFT_OUT = frozenset({"response", "uptime 24 h"})
NUMBERS = frozenset({"for", "response", "uptime 24 h"})


def show(report: LiveReport, targets: Mapping[int, TargetReport], *, headline: str = "") -> None:
    """Print a report's services, worst first, with one line that says it all before them.

    What healing does about a service that has an open incident, or is held back, stands below.
    """
    console = a_console()
    columns = [column for column in COLUMNS if console.width >= NARROW or column not in LEFT_OUT]
    table = a_table()
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left", no_wrap=column in {"service", "status", "for"})
    lines = list(worst_first(report.lines))
    for line in lines:
        style = STYLES[line.status]
        first = dict(zip(COLUMNS, (MARKS[line.status], line.service.name, line.status.value), strict=False))
        rest = dict(zip(COLUMNS[len(first) :], _facts(line, targets.get(line.service.service_id), report.at), strict=True))
        shown = first | rest
        table.add_row(*(styled(shown[column], style if column in {"", "status"} else "") for column in columns))
    console.print(styled(headline or verdict(report), "bold"))
    console.print(table)
    for line in lines:
        healing = report.healing(line.service.service_id)
        if healing:
            say(console, styled(f"healing of {line.service.name}: {healing}"))


def verdict(report: Report) -> str:
    """Return the one line that says how everything is."""
    healthy, total = report.count(ServiceStatus.HEALTHY), len(report.lines)
    parts = [f"{report.overall.value.upper()}: {healthy} of {total} services are healthy"]
    if unhealthy := report.count(ServiceStatus.UNHEALTHY):
        critical = f" ({report.critical_unhealthy} of them critical)" if report.critical_unhealthy else ""
        parts.append(f"{unhealthy} unhealthy{critical}")
    if unknown := report.count(ServiceStatus.UNKNOWN):
        parts.append(f"{unknown} unknown")
    return ", ".join(parts)


def _facts(line: ServiceLine, found: TargetReport | None, now: datetime) -> list[str]:
    response = "" if line.response_time_s is None else f"{line.response_time_s * 1000:.0f} ms"
    what = "" if line.status is ServiceStatus.HEALTHY else log.clean(line.error or line.reason.value)
    if line.service.critical and line.status is ServiceStatus.UNHEALTHY:
        what = f"critical: {what}"
    return [age(line.status_since, now), response, uptime_words(line), container_words(found), what]


def uptime_words(line: ServiceLine) -> str:
    percentage, coverage = line.uptime.percentage, line.uptime.coverage
    if percentage is None:
        return "unknown"
    partly = "" if coverage > 99 else f" of {coverage:.0f}% known"  # noqa: PLR2004  a percent unseen is no news
    return f"{percentage:.2f}%{partly}"


def container_words(found: TargetReport | None) -> str:
    if found is None:
        return ""
    if found.target is None:
        return "none"
    running = found.target.state.value == "running"
    return found.target.name if running else f"{found.target.name} ({found.target.state.value})"


def age(since: datetime | None, now: datetime) -> str:
    """Return how long ago that was, in the largest unit of which there are two."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
