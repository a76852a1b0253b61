"""Were the promises about service kept? The document's five targets, each measured, and how sure one may be of it.

A target without anything measured is neither met nor missed: it is unknown, and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median
from typing import TYPE_CHECKING

from healthmon.history.outcomes import AlarmVerdict, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from healthmon.history.outcomes import Alarm, Outage, Told
    from healthmon.history.rollups import Counted
    from healthmon.history.settings import SloSettings
    from healthmon.status.uptime import Booked

MINUTE_S = 60.0
P95 = 95


class SloVerdict(StrEnum):
    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"  # nothing was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One line of the table. `value` and `target` are in `unit`; `coverage` is the percent of what was asked that is known."""

    name: str
    definition: str
    target: float
    unit: str
    value: float | None
    samples: int
    sampled: str  # what the samples are
    coverage: float | None
    verdict: SloVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much a service may be down in the time, in seconds, and how much of that is spent."""

    allowed_s: float
    spent_s: float

    @property
    def left_percent(self) -> float:
        """Negative when more is spent than there was."""
        return 100 * (1 - self.spent_s / self.allowed_s) if self.allowed_s else (0.0 if self.spent_s else 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """One service in the time."""

    service_id: int
    booked: Booked
    coverage: float
    p95_s: float | None
    checks: int
    budget: Budget
    verdict: SloVerdict  # of its availability


def levels(times: Mapping[int, Booked], checks: Mapping[int, Counted], *, asked_s: float, target: float) -> list[ServiceLevel]:
    """Return every service's line."""
    return [_level(service_id, booked, checks[service_id], asked_s, target) for service_id, booked in times.items()]


def availability(booked: Booked, *, services: int, asked_s: float, settings: SloSettings) -> Objective:
    value = booked.uptime_percentage
    return Objective(
        name="availability",
        definition="healthy share of the known time of all services; maintenance and what nobody saw count for neither side",
        target=settings.availability_percent,
        unit="%",
        value=value,
        samples=services if booked.known_s else 0,
        sampled="services",
        coverage=booked.coverage(asked_s * services),
        verdict=_verdict(None if value is None else value >= settings.availability_percent),
    )


def response_time(counted: Counted, *, coverage: float, settings: SloSettings) -> Objective:
    found = counted.percentile_us(P95)
    value = None if found is None else found / 1e6
    return Objective(
        name="response_time",
        definition="95th percentile of the response times of all scheduled checks that were answered, within 1 percent",
        target=settings.response_time_seconds,
        unit="s",
        value=value,
        samples=counted.answers,
        sampled="checks",
        coverage=coverage,
        verdict=_verdict(None if value is None else value < settings.response_time_seconds),
    )


def acknowledgement(told: Sequence[Told], now: datetime, settings: SloSettings) -> Objective:
    """Judge by the median: one that nobody ever acknowledged took longer than any, unless it was over within the target anyway."""
    limit_s = settings.acknowledge_minutes * MINUTE_S
    waits = [wait for one in told if (wait := _wait_s(one, now, limit_s)) is not None]
    middle = median(waits) if waits else None
    value = None if middle is None or math.isinf(middle) else middle / MINUTE_S
    return Objective(
        name="acknowledgement",
        definition="median time from a critical alert to its acknowledgement; those that were over sooner than the target do not count",
        target=settings.acknowledge_minutes,
        unit="min",
        value=value,
        samples=len(waits),
        sampled="critical outages",
        coverage=100 * sum(not math.isinf(wait) for wait in waits) / len(waits) if waits else None,
        verdict=_verdict(None if middle is None else middle < limit_s),
    )


def repair(outages: Sequence[Outage], settings: SloSettings) -> Objective:
    value = fmean(outage.repair_s for outage in outages) / MINUTE_S if outages else None
    return Objective(
        name="repair",
        definition="mean time from the first failed check of an outage to the first good one",
        target=settings.repair_minutes,
        unit="min",
        value=value,
        samples=len(outages),
        sampled="outages",
        coverage=None,
        verdict=_verdict(None if value is None else value < settings.repair_minutes),
    )


def false_alarms(alarms: Sequence[Alarm], settings: SloSettings) -> Objective:
    judged = [alarm.verdict for alarm in alarms if alarm.verdict is not AlarmVerdict.OPEN]
    false = sum(verdict is not AlarmVerdict.TRUE for verdict in judged)
    value = 100 * false / len(judged) if judged else None
    return Objective(
        name="false_alarms",
        definition="share of the alerts about services that a person marked as false, or that were over within five minutes without"
        " an outage or an acknowledgement; events of severity info do not count",
        target=settings.false_alarm_percent,
        unit="%",
        value=value,
        samples=len(judged),
        sampled="alerts",
        coverage=100 * len(judged) / len(alarms) if alarms else None,
        verdict=_verdict(None if value is None else value < settings.false_alarm_percent),
    )


def budget(booked: Booked, *, asked_s: float, target: float) -> Budget:
    """Return what a service may be down in `asked_s` seconds for `target` percent, and was. Maintenance is not asked for."""
    return Budget(allowed_s=max(0.0, (asked_s - booked.maintenance_s) * (100 - target) / 100), spent_s=booked.unhealthy_s)


def burn_rate(booked: Booked, *, target: float) -> float | None:
    """Return how many times faster than it may a service spent its budget in a time; None where nothing is known of it."""
    return 100 * booked.unhealthy_s / booked.known_s / (100 - target) if booked.known_s > 0 else None


def lasts_s(budget: Budget, recent: Booked, *, recent_s: float) -> float | None:
    """Return in how many seconds a budget is spent if it goes on as it did in the last `recent_s`; None for never."""
    left_s = budget.allowed_s - budget.spent_s
    if left_s <= 0:
        return 0.0
    return left_s * recent_s / recent.unhealthy_s if recent.unhealthy_s > 0 else None


def _level(service_id: int, booked: Booked, counted: Counted, asked_s: float, target: float) -> ServiceLevel:
    p95 = counted.percentile_us(P95)
    return ServiceLevel(
        service_id=service_id,
        booked=booked,
        coverage=booked.coverage(asked_s),
        p95_s=None if p95 is None else p95 / 1e6,
        checks=counted.checks,
        budget=budget(booked, asked_s=asked_s, target=target),
        verdict=_verdict(None if booked.uptime_percentage is None else booked.uptime_percentage >= target),
    )


def _wait_s(told: Told, now: datetime, limit_s: float) -> float | None:
    """Return how long it took somebody to say that it is seen; None for what nobody had to, infinity for never."""
    if told.acknowledged_at is not None:
        return seconds(told.opened_at, told.acknowledged_at)
    return math.inf if seconds(told.opened_at, told.over_at or now) >= limit_s else None


def _verdict(good: bool | None) -> SloVerdict:  # noqa: FBT001  it is the answer itself
    if good is None:
        return SloVerdict.UNKNOWN
    return SloVerdict.MET if good else SloVerdict.MISSED
