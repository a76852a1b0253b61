"""What does the page of service levels show? Each target with what was measured, from how much, and every service's budget."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.answers.slo import TITLES, measured, wanted
from healthmon.clock import duration, from_iso, to_people
from healthmon.web.views import wording
from healthmon.web.views.budget import BudgetBar, budget_bar

if TYPE_CHECKING:
    from healthmon.answers.slo import FalseAlarmDocument, ObjectiveDocument, ServiceLevelDocument, SloDocument
    from healthmon.history.slo import SloVerdict


WHOLE = 10.0  # times faster than it may: what comes after the point does not matter any more


class Days(StrEnum):
    """How many days back, as it stands in the address."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"
    YEAR = "365"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRow:
    title: str
    definition: str
    target: str
    measured: str
    verdict: SloVerdict
    samples: str
    known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    name: str
    href: str
    verdict: SloVerdict
    uptime: str
    known: str
    down: str
    budget: str
    left: BudgetBar
    burns: str  # how many times faster than it may, in the last hour, six hours, three days
    lasts: str  # until the budget is spent, if it goes on as in the last three days
    p95: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time as machines and as people read it."""

    iso: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SloPage:
    since: Moment
    until: Moment
    days: tuple[tuple[str, bool], ...]
    objectives: tuple[ObjectiveRow, ...]
    services: tuple[LevelRow, ...]
    false_alarms: tuple[str, ...]


def slo_page(document: SloDocument, chosen: Days) -> SloPage:
    return SloPage(
        since=_at(document["since"]),
        until=_at(document["until"]),
        days=tuple((one.value, one is chosen) for one in Days),
        objectives=tuple(map(_objective, document["objectives"])),
        services=tuple(map(_level, document["services"])),
        false_alarms=tuple(map(_alarm, document["false_alarms"])),
    )


def _at(iso: str) -> Moment:
    return Moment(iso=iso, words=to_people(from_iso(iso)))


def _objective(one: ObjectiveDocument) -> ObjectiveRow:
    title = TITLES[one["objective"]]
    return ObjectiveRow(
        title=title[0].upper() + title[1:],
        definition=one["definition"],
        target=wanted(one),
        measured=measured(one),
        verdict=one["verdict"],
        samples=f"{one['samples']:,} {one['sampled']}",
        known="" if one["coverage"] is None else f"{one['coverage']:.1f}%",
    )


def _level(one: ServiceLevelDocument) -> LevelRow:
    uptime, p95, left = one["uptime_percentage"], one["p95_response_time"], one["budget_left_percentage"]
    return LevelRow(
        name=one["service_name"],
        href=f"/services/{quote(one['service_name'], safe='')}",
        verdict=one["verdict"],
        uptime="unknown" if uptime is None else f"{uptime:.3f}%",
        known=f"{one['coverage']:.1f}%",
        down=duration(one["unhealthy_seconds"]),
        budget=duration(one["budget_seconds"]),
        left=budget_bar(left),
        burns=" / ".join(_times(one[key]) for key in ("burn_rate_1h", "burn_rate_6h", "burn_rate_3d")),
        lasts=_lasts(one["budget_lasts_seconds"]),
        p95=wording.milliseconds(p95),
    )


def _times(rate: float | None) -> str:
    if rate is None:
        return "?"
    return f"{rate:.0f}" if rate >= WHOLE or not rate else f"{rate:.1f}"


def _lasts(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"in {duration(seconds)}" if seconds else "spent"


def _alarm(one: FalseAlarmDocument) -> str:
    why = "nothing but itself speaks for it" if one["marked_by"] is None else f"false, says {one['marked_by']}"
    return f"{one['alert_type']} of {one['service_name']} at {one['triggered_at']} (number {one['alert_id']}): {why}"
