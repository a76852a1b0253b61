"""Were the service levels kept, and how is that known? The document's five targets, and each service's budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.clock import to_iso
from healthmon.history import slo
from healthmon.history.outcomes import AlarmVerdict
from healthmon.history.rollups import checks_of
from healthmon.history.slo import SloVerdict
from healthmon.status.uptime import Booked, total
from healthmon.store import booked, history, outcomes, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.history.outcomes import Alarm
    from healthmon.history.slo import Budget, Objective, ServiceLevel
    from healthmon.store.connection import Connection


TITLES = {
    "availability": "availability",
    "response_time": "response time, p95",
    "acknowledgement": "time to acknowledge",
    "repair": "time to repair (MTTR)",
    "false_alarms": "false alarms",
}
BUDGET_DAYS = 30  # as a month, and as the burn-rate rules have it
HOUR, SIX_HOURS, THREE_DAYS = timedelta(hours=1), timedelta(hours=6), timedelta(days=3)  # as the workbook's burn rates have it
AT_LEAST = "availability"  # the others are to stay below their target


class ObjectiveDocument(TypedDict):
    objective: str
    definition: str
    target: float
    unit: str
    value: float | None
    verdict: SloVerdict
    samples: int
    sampled: str
    coverage: float | None


class ServiceLevelDocument(TypedDict):
    service_name: str
    verdict: SloVerdict
    uptime_percentage: float | None
    coverage: float
    unhealthy_seconds: float
    unknown_seconds: float
    maintenance_seconds: float
    budget_seconds: float
    budget_left_percentage: float
    checks: int
    p95_response_time: float | None
    burn_rate_1h: float | None
    burn_rate_6h: float | None
    burn_rate_3d: float | None
    budget_lasts_seconds: float | None


class FalseAlarmDocument(TypedDict):
    alert_id: int
    service_name: str
    alert_type: str
    triggered_at: str
    verdict: AlarmVerdict
    marked_by: str | None


class SloDocument(TypedDict):
    since: str
    until: str
    objectives: list[ObjectiveDocument]
    services: list[ServiceLevelDocument]
    false_alarms: list[FalseAlarmDocument]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From when until when is asked. What lies ahead is not asked for."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Lately:
    """The time of services, by their ids, in the last stretches of what is asked."""

    hour: Mapping[int, Booked]
    six_hours: Mapping[int, Booked]
    three_days: Mapping[int, Booked]


def last_days(now: datetime, days: int) -> Period:
    return Period(since=now - timedelta(days=days), until=now)


def wanted(one: ObjectiveDocument) -> str:
    """Return a target as people read it: `≥ 99.9 %`."""
    return f"{'≥' if one['objective'] == AT_LEAST else '<'} {one['target']:g} {one['unit']}"


def measured(one: ObjectiveDocument) -> str:
    """Return what was measured; `nothing` where there was nothing to measure, `never` where it never came to that."""
    value, unit = one["value"], one["unit"]
    if value is None:
        return "never" if one["samples"] else "nothing"
    return f"{value:.3f} {unit}" if unit in {"%", "s"} else f"{value:.1f} {unit}"


def read(connection: Connection, loaded: Config, period: Period) -> SloDocument:
    """Return how the services of the configuration did in a time, worst first."""
    known = services.by_name(connection)
    names = {known[one.name].service_id: one.name for one in loaded.enabled_services() if one.name in known}
    found = history.between(connection, names, period.since, period.until)
    asked_s = (period.until - period.since).total_seconds()
    settings = loaded.slo
    times = {service_id: rollup.time for service_id, rollup in found.items()}
    counted = {service_id: rollup.checks for service_id, rollup in found.items()}
    everything = total(times.values())
    available = slo.availability(everything, services=len(names), asked_s=asked_s, settings=settings)
    alarms = [one for one in outcomes.alarms(connection, period.since, period.until) if one.service_id in names]
    told = [one for one in outcomes.told(connection, period.since, period.until) if one.service_id in names]
    outages = [one for one in outcomes.outages(connection, period.since, period.until) if one.service_id in names]
    objectives = (
        available,
        slo.response_time(checks_of(counted.values()), coverage=available.coverage or 0.0, settings=settings),
        slo.acknowledgement(told, period.until, settings),
        slo.repair(outages, settings),
        slo.false_alarms(alarms, settings),
    )
    levels = slo.levels(times, counted, asked_s=asked_s, target=settings.availability_percent)
    lately = Lately(*(booked.between(connection, names, period.until - length, period.until) for length in (HOUR, SIX_HOURS, THREE_DAYS)))
    return SloDocument(
        since=to_iso(period.since),
        until=to_iso(period.until),
        objectives=list(map(_objective, objectives)),
        services=[_level(one, names[one.service_id], lately, settings.availability_percent) for one in sorted(levels, key=_worst_first)],
        false_alarms=[_alarm(one, names) for one in alarms if one.verdict in {AlarmVerdict.MARKED, AlarmVerdict.UNPROVEN}],
    )


def budgets(connection: Connection, loaded: Config, service_ids: Iterable[int], now: datetime) -> dict[int, Budget]:
    """Return the error budget of each service over the last 30 days, as `read` has it; nothing where nothing is known."""
    period, target = last_days(now, BUDGET_DAYS), loaded.slo.availability_percent
    asked_s = (period.until - period.since).total_seconds()
    found = booked.between(connection, service_ids, period.since, period.until)
    return {sid: slo.budget(one, asked_s=asked_s, target=target) for sid, one in found.items() if one.known_s > 0}


def _worst_first(level: ServiceLevel) -> tuple[float, int]:
    uptime = level.booked.uptime_percentage
    return (200.0 if uptime is None else uptime, level.service_id)


def _objective(one: Objective) -> ObjectiveDocument:
    return ObjectiveDocument(
        objective=one.name,
        definition=one.definition,
        target=one.target,
        unit=one.unit,
        value=_rounded(one.value, 4),
        verdict=one.verdict,
        samples=one.samples,
        sampled=one.sampled,
        coverage=_rounded(one.coverage, 2),
    )


def _level(one: ServiceLevel, name: str, lately: Lately, target: float) -> ServiceLevelDocument:
    time = one.booked
    recent = [found.get(one.service_id, Booked()) for found in (lately.hour, lately.six_hours, lately.three_days)]
    rates = [_rounded(slo.burn_rate(found, target=target), 2) for found in recent]
    return ServiceLevelDocument(
        service_name=name,
        verdict=one.verdict,
        uptime_percentage=_rounded(time.uptime_percentage, 4),
        coverage=round(one.coverage, 2),
        unhealthy_seconds=round(time.unhealthy_s, 1),
        unknown_seconds=round(time.unknown_s, 1),
        maintenance_seconds=round(time.maintenance_s, 1),
        budget_seconds=round(one.budget.allowed_s, 1),
        budget_left_percentage=round(one.budget.left_percent, 1),
        checks=one.checks,
        p95_response_time=_rounded(one.p95_s, 6),
        burn_rate_1h=rates[0],
        burn_rate_6h=rates[1],
        burn_rate_3d=rates[2],
        budget_lasts_seconds=_rounded(slo.lasts_s(one.budget, recent[2], recent_s=THREE_DAYS.total_seconds()), 0),
    )


def _alarm(one: Alarm, names: Mapping[int, str]) -> FalseAlarmDocument:
    return FalseAlarmDocument(
        alert_id=one.alert_id,
        service_name=names[one.service_id],
        alert_type=one.alert_type,
        triggered_at=to_iso(one.triggered_at),
        verdict=one.verdict,
        marked_by=one.marked_by,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
