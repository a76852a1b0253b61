"""How do the trends of the dashboard look? The keys are a promise to scripts: they only ever grow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # the standard one has no schema before Python 3.12

from healthmon.answers.wording import rounded
from healthmon.clock import to_iso
from healthmon.store import trends

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection
    from healthmon.store.trends import HourlyHealth, ResponseTimes

LENGTH = timedelta(hours=24)


class HourDocument(TypedDict):
    hour: str
    checks: int
    healthy_checks: int
    health_percentage: float


class ResponseTimeDocument(TypedDict):
    service_name: str
    checks: int
    avg_response_time: float | None
    max_response_time: float | None
    min_response_time: float | None
    p50_response_time: float | None
    p95_response_time: float | None
    p99_response_time: float | None


class Trends(TypedDict):
    hourly_health: list[HourDocument]
    response_times: list[ResponseTimeDocument]
    alert_counts: dict[str, int]


def read_trends(connection: Connection, now: datetime) -> Trends:
    """Return the trends of the last 24 hours."""
    since = now - LENGTH
    return Trends(
        hourly_health=list(map(_hour, trends.hourly_health(connection, since))),
        response_times=list(map(_times, trends.response_times(connection, since))),
        alert_counts=trends.alert_counts(connection, since),
    )


def _hour(hour: HourlyHealth) -> HourDocument:
    return HourDocument(
        hour=to_iso(hour.hour),
        checks=hour.checks,
        healthy_checks=hour.healthy,
        health_percentage=round(100 * hour.healthy / hour.checks, 2),
    )


def _times(one: ResponseTimes) -> ResponseTimeDocument:
    return ResponseTimeDocument(
        service_name=one.service_name,
        checks=one.checks,
        avg_response_time=rounded(one.average_s),
        max_response_time=rounded(one.maximum_s),
        min_response_time=rounded(one.minimum_s),
        p50_response_time=rounded(one.p50_s),
        p95_response_time=rounded(one.p95_s),
        p99_response_time=rounded(one.p99_s),
    )
