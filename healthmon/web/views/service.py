"""What does the page of one service show?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from healthmon.clock import to_people
from healthmon.web.views import outages, wording
from healthmon.web.views.about import NOT_KNOWN, Neighbour, depends_on, facts_of, needed_by
from healthmon.web.views.axis import Axis
from healthmon.web.views.budget import BudgetBar, budget_bar
from healthmon.web.views.chart import Chart, chart
from healthmon.web.views.gates import Why, why
from healthmon.web.views.marks import Mark, marks
from healthmon.web.views.moments import Moment, moment, moment_or_none
from healthmon.web.views.period import Period, Periods, Range, Span, periods
from healthmon.web.views.problems import STEPS, problems
from healthmon.web.views.rules import RuleRow, rule_rows
from healthmon.web.views.strip import Strip, strip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.answers.changes import Done
    from healthmon.answers.service import ServiceFacts
    from healthmon.config import ServiceSettings
    from healthmon.model.check import Check
    from healthmon.model.forensics import Forensics
    from healthmon.model.heal import Heal
    from healthmon.model.status import ServiceStatus
    from healthmon.processes.evaluator.explaining import Explained
    from healthmon.processes.evaluator.ruling import Ruling
    from healthmon.web.views.outages import OutageRow
    from healthmon.web.views.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class HealRow:
    planned: str
    attempt: int
    target: str
    outcome: str
    by: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    at: str
    status: str
    response: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    title: str
    parts: tuple[tuple[str, str], ...]  # name and text


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePage:
    name: str
    status: ServiceStatus
    since: Moment | None
    what: str
    facts: tuple[tuple[str, str], ...]
    depends_on: tuple[Neighbour, ...]
    needed_by: tuple[Neighbour, ...]
    problem: Problem | None
    is_held: bool
    periods: Periods
    span: Span
    strip: Strip
    marks: tuple[Mark, ...]
    chart: Chart | None
    figures: tuple[tuple[str, str], ...]
    budget: BudgetBar | None
    rules: tuple[RuleRow, ...]
    why: Why | None
    outages: tuple[OutageRow, ...]
    heals: tuple[HealRow, ...]
    checks: tuple[CheckRow, ...]
    evidence: tuple[Evidence, ...]
    runbook: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What the evaluator would say now of one service. `explained` is None of one that it never saw."""

    rulings: tuple[Ruling, ...]
    explained: Explained | None
    done: Done


def service_page(  # noqa: PLR0913  what it rests on
    facts: ServiceFacts, inside: Inside, settings: Mapping[str, ServiceSettings], *, name: str, period: Period, span: Span
) -> ServicePage:
    """Return the page of the service called `name`; `settings` are those of all, by name."""
    now, past, mine = facts.standing.report.at, facts.past, settings[name]
    line = next(one for one in facts.standing.report.lines if one.service.service_id == facts.service_id)
    wrong = [one for one in problems(facts.standing, {}) if one.name == name]
    return ServicePage(
        name=name,
        status=line.status,
        since=moment_or_none(line.status_since, now),
        what=line.error or "",
        facts=facts_of(facts, mine, line),
        depends_on=depends_on(facts, mine),
        needed_by=needed_by(facts, name, settings.values()),
        problem=wrong[0] if wrong else None,
        is_held=facts.service_id in facts.standing.report.holds,
        periods=periods(period, span, action="", links={one: f"?{urlencode(Period(range=one).parameters)}" for one in Range}),
        span=span,
        strip=strip(Axis(since=span.since, until=span.until, step=past.step), {one.start: one.rollup.time for one in past.points}, past.incidents),
        marks=marks(inside.done, facts.standing.targets.get(facts.service_id), span),
        chart=chart(facts.points, past.incidents, since=span.since, until=span.until, step=facts.step, expected_s=mine.expected_response_time),
        figures=_figures(facts, span),
        budget=None if facts.budget is None else budget_bar(facts.budget.left_percent),
        rules=rule_rows(inside.rulings, now),
        why=None if inside.explained is None else why(inside.explained),
        outages=outages.rows(facts.incidents, facts.names, facts.acknowledged, now),
        heals=tuple(map(_heal, facts.heals)),
        checks=tuple(map(_check, facts.checks)),
        evidence=tuple(map(evidence, facts.evidence)),
        runbook="" if mine.runbook_url is None else str(mine.runbook_url),
        at=moment(now, now),
    )


def _figures(facts: ServiceFacts, span: Span) -> tuple[tuple[str, str], ...]:
    """Return the figures of the time that is shown; an uptime never stands without how much of the time is known."""
    time, checks = facts.whole.time, facts.whole.checks
    percentage = time.uptime_percentage
    times = [(f"p{percent}", checks.percentile_us(percent)) for percent in (50, 95, 99)]
    return (
        ("Uptime", NOT_KNOWN if percentage is None else f"{percentage:.3f}%"),
        ("Known of the time", f"{time.coverage(span.length.total_seconds()):.1f}%"),
        ("Outages", str(len(facts.past.incidents))),
        ("Checks", f"{checks.checks:,}"),
        *((name, NOT_KNOWN if us is None else wording.milliseconds(us / 1e6)) for name, us in times),
    )


def _heal(heal: Heal) -> HealRow:
    return HealRow(
        planned=to_people(heal.planned_at),
        attempt=heal.attempt,
        target=heal.target_name,
        outcome=STEPS[heal.state],
        by=heal.asked_by or "healthmon",
        detail=heal.detail,
    )


def _check(check: Check) -> CheckRow:
    code = "" if check.outcome.status_code is None else f"status {check.outcome.status_code}"
    return CheckRow(
        at=to_people(check.checked_at),
        status=check.status.value,
        response=wording.milliseconds(check.outcome.response_time_s),
        what=check.outcome.error_message or code,
    )


def evidence(one: Forensics) -> Evidence:
    words = one.moment.value.replace("_", " ")
    return Evidence(
        title=f"{words}, {to_people(one.taken_at)}",
        parts=tuple((part.name, "\n".join(part.lines) or part.problem) for part in one.parts),
    )
