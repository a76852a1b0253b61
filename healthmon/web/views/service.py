"""What does the page of one service show?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.answers.service import BY_HOUR_UP_TO
from healthmon.clock import to_people
from healthmon.heal.condition import condition
from healthmon.status.uptime import HOUR
from healthmon.web.views import outages, wording
from healthmon.web.views.chart import Chart, chart
from healthmon.web.views.moments import Moment, moment, moment_or_none
from healthmon.web.views.problems import STEPS, problems
from healthmon.web.views.strip import Strip, strip

if TYPE_CHECKING:
    from healthmon.answers.service import ServiceFacts
    from healthmon.config import ServiceSettings
    from healthmon.history.report import ServiceLine
    from healthmon.model.check import Check
    from healthmon.model.forensics import Forensics
    from healthmon.model.heal import Heal
    from healthmon.model.status import ServiceStatus
    from healthmon.web.views.outages import OutageRow
    from healthmon.web.views.problems import Problem

DAY = timedelta(days=1)
NOT_KNOWN = "unknown"


class Range(StrEnum):
    """How far back a page looks, as it stands in its address."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"


SPANS = {Range.DAY: DAY, Range.WEEK: 7 * DAY, Range.MONTH: 30 * DAY, Range.QUARTER: 90 * DAY}


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
class RangeLink:
    word: str
    href: str
    is_chosen: bool


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
    dependencies: tuple[tuple[str, str, str], ...]  # name, address or '', how it is
    problem: Problem | None
    strip: Strip
    chart: Chart | None
    ranges: tuple[RangeLink, ...]
    figures: tuple[tuple[str, str], ...]
    outages: tuple[OutageRow, ...]
    heals: tuple[HealRow, ...]
    checks: tuple[CheckRow, ...]
    evidence: tuple[Evidence, ...]
    runbook: str
    at: Moment


def service_page(facts: ServiceFacts, settings: ServiceSettings, chosen: Range) -> ServicePage:
    now, day = facts.standing.report.at, facts.day
    line = next(one for one in facts.standing.report.lines if one.service.service_id == facts.service_id)
    wrong = [one for one in problems(facts.standing, {}) if one.name == settings.name]
    runbook = "" if settings.runbook_url is None else str(settings.runbook_url)
    return ServicePage(
        name=settings.name,
        status=line.status,
        since=moment_or_none(line.status_since, now),
        what=line.error or "",
        facts=_facts(facts, settings, line),
        dependencies=_dependencies(facts, settings),
        problem=wrong[0] if wrong else None,
        strip=strip({one.start: one.rollup.time for one in day.hours}, day.incidents, since=day.since, until=day.until),
        chart=chart(
            facts.points,
            facts.outages,
            since=now - facts.span,
            until=now,
            step=HOUR if facts.span <= BY_HOUR_UP_TO else DAY,
            expected_s=settings.expected_response_time,
        ),
        ranges=tuple(RangeLink(word=one.value, href=f"?range={one.value}", is_chosen=one is chosen) for one in Range),
        figures=_figures(facts),
        outages=outages.rows(facts.incidents, facts.names, now),
        heals=tuple(map(_heal, facts.heals)),
        checks=tuple(map(_check, facts.checks)),
        evidence=tuple(map(_evidence, facts.evidence)),
        runbook=runbook,
        at=moment(now, now),
    )


def _facts(facts: ServiceFacts, settings: ServiceSettings, line: ServiceLine) -> tuple[tuple[str, str], ...]:
    report = facts.standing.targets.get(facts.service_id)
    target = None if report is None else report.target
    expected = settings.expected_response_time
    found = [
        ("Address", str(settings.url) if settings.url is not None else ""),
        ("Group", f"{line.service.group}{', critical' if line.service.critical else ''}"),
        ("Looked at every", wording.duration(settings.interval_seconds)),
        ("Last answer", wording.milliseconds(line.response_time_s)),
        ("Expected within", "" if expected is None else wording.milliseconds(expected)),
        ("Container", (report.problem or "") if report is not None and target is None else ""),
    ]
    if target is not None and report is not None:
        found += [
            ("Container", f"{target.name} {condition(target)}"),
            ("Matched by", (report.matched_by or "").replace("_", " ")),
            ("Image", target.image_id.removeprefix("sha256:")[:12]),
            ("Restart policy", f"{target.restart_policy}, used {target.restart_count} times" if target.restart_count else target.restart_policy),
        ]
    return tuple((name, value) for name, value in found if value)


def _dependencies(facts: ServiceFacts, settings: ServiceSettings) -> tuple[tuple[str, str, str], ...]:
    states = {line.service.name: line.status.value for line in facts.standing.report.lines}
    declared = [(name, f"/services/{quote(name, safe='')}", states.get(name, NOT_KNOWN)) for name in settings.depends_on]
    of_compose = []
    for one in facts.dependencies:
        watched = facts.names.get(one.watched_by or 0, "")
        if watched and watched not in settings.depends_on:
            of_compose.append((watched, f"/services/{quote(watched, safe='')}", states.get(watched, NOT_KNOWN)))
        elif not watched:
            of_compose.append((one.container or one.name, "", one.trouble or "runs; nobody watches it"))
    return (*declared, *of_compose)


def _figures(facts: ServiceFacts) -> tuple[tuple[str, str], ...]:
    """Return the figures of the range; an uptime never stands without how much of the time is known."""
    time, checks = facts.whole.time, facts.whole.checks
    percentage = time.uptime_percentage
    times = [(f"p{percent}", checks.percentile_us(percent)) for percent in (50, 95, 99)]
    return (
        ("Uptime", NOT_KNOWN if percentage is None else f"{percentage:.3f}%"),
        ("Known of the time", f"{time.coverage(facts.span.total_seconds()):.1f}%"),
        ("Outages", str(len(facts.outages))),
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


def _evidence(one: Forensics) -> Evidence:
    words = one.moment.value.replace("_", " ")
    return Evidence(
        title=f"{words}, {to_people(one.taken_at)}",
        parts=tuple((part.name, "\n".join(part.lines) or part.problem) for part in one.parts),
    )
