"""What does the first page show? The verdict with the age of what it rests on, what is wrong, and every service, worst first."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceStatus
from healthmon.web.views import wording
from healthmon.web.views.axis import Axis
from healthmon.web.views.choice import Choice, address, of_ranges
from healthmon.web.views.moments import Moment, moment
from healthmon.web.views.period import Periods, Span, periods
from healthmon.web.views.restarts import MADE, Week, restarts, week
from healthmon.web.views.rows import About, ServiceRow, service_row
from healthmon.web.views.verdict import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from healthmon.answers.live import LiveReport
    from healthmon.answers.overview import Past, Standing
    from healthmon.config import ServiceSettings
    from healthmon.history.slo import Budget
    from healthmon.web.views.choice import Chosen
    from healthmon.web.views.problems import Problem

MOST_COLUMNS = 10


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
    density: str  # the address of the same with more, or less, for each service
    periods: Periods
    span: Span
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is known of the services of one page beside how they are now, by their ids; no budgets where nobody wants to see them."""

    chosen: Chosen
    span: Span
    step: timedelta  # of the pasts
    pasts: Mapping[int, Past]
    budgets: Mapping[int, Budget]


def overview(
    standing: Standing, found: tuple[Problem, ...], shown: Shown, *, choice: Choice, settings: Mapping[str, ServiceSettings]
) -> Overview:
    """Return the page; `found` is what is wrong, `settings` are those of all services, by name."""
    report, chosen, span = standing.report, shown.chosen, shown.span
    return Overview(
        verdict=verdict(report, found),
        problems=found,
        undelivered=tuple(
            f"{one.channel} has not got through for {wording.age(one.failing_since, report.at)}: {one.last_error or 'no reason is known'}"
            for one in standing.failing_channels
        ),
        rows=_rows(standing, shown, settings),
        columns=_columns(len(chosen.lines)),
        choice=choice,
        statuses=_statuses(report, choice),
        groups=tuple(sorted({line.service.group for line in report.lines})),
        matching="" if chosen.matching == len(report.lines) else f"{chosen.matching} of {len(report.lines)}",
        before=chosen.before,
        after=chosen.after,
        restarts=restarts(standing.week),
        week=week(standing.week, {line.service.service_id: line.service.name for line in report.lines}),
        density=address(replace(choice, compact=not choice.compact), page=choice.page),
        periods=periods(choice.period, span, action="/", links=of_ranges(choice), kept=_kept(choice)),
        span=span,
        at=moment(report.at, report.at),
    )


def _rows(standing: Standing, shown: Shown, settings: Mapping[str, ServiceSettings]) -> tuple[ServiceRow, ...]:
    healed = Counter(heal.service_id for heal in standing.week if heal.state in MADE)
    axis = Axis(since=shown.span.since, until=shown.span.until, step=shown.step)
    rows = []
    for line in shown.chosen.lines:
        sid = line.service.service_id
        about = About(past=shown.pasts[sid], axis=axis, settings=settings[line.service.name], healed=healed[sid], budget=shown.budgets.get(sid))
        rows.append(service_row(line, standing, about))
    return tuple(rows)


def _columns(tiles: int) -> int:
    """Return into how many columns tiles fit a wide screen, each about twice as wide as high."""
    return max(1, min(MOST_COLUMNS, math.ceil(math.sqrt(tiles))))


def _kept(choice: Choice) -> tuple[tuple[str, str], ...]:
    """Return what the form for other times sends along."""
    asked = {"q": choice.text, "group": choice.group, "status": choice.status or "", "kiosk": "1" if choice.kiosk else "", "compact": "1" if choice.compact else ""}
    return tuple((name, value) for name, value in asked.items() if value)


def _statuses(report: LiveReport, choice: Choice) -> tuple[StatusFilter, ...]:
    def one(word: str, status: ServiceStatus | None, count: int) -> StatusFilter:
        href = address(replace(choice, status=status, page=1), page=1)
        return StatusFilter(word=word, href=href, count=count, is_chosen=choice.status is status)

    order = (ServiceStatus.UNHEALTHY, ServiceStatus.UNKNOWN, ServiceStatus.HEALTHY)
    return (one("all", None, len(report.lines)), *(one(status.value, status, report.count(status)) for status in order))
