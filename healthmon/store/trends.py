"""What do the last hours look like? From what the keeper has added up, and the checks of the last minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.status.uptime import WINDOW, hour_of
from healthmon.store import stale_rollups, sums
from healthmon.store.row import integer, real_or_none, text

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection

END_OF_TIME = "9999"  # what a clock that was ahead has left counts, too


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyHealth:
    """The checks of all services in one hour, which starts at `hour`."""

    hour: datetime
    checks: int
    healthy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimes:
    """The response times of one service, in seconds; None when no check was answered.

    The percentiles are of the 24 hours before the last count, a few minutes ago; None before the first.
    """

    service_name: str
    checks: int
    average_s: float | None
    minimum_s: float | None
    maximum_s: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


def hourly_health(connection: Connection, since: datetime) -> list[HourlyHealth]:
    """Return every hour that has checks, from that of `since` on, oldest first."""
    begin, tail, is_kept = _source(connection, since)
    counted = "SELECT hour, checks, healthy_checks FROM hour_sums WHERE hour >= ?1" if is_kept else sums.OF_HOURS
    rows = connection.rows(
        f"SELECT hour, sum(checks), sum(healthy_checks) FROM ({counted} UNION ALL {sums.TAIL_OF_HOURS}) GROUP BY hour ORDER BY hour",  # noqa: S608  our text
        begin,
        tail,
        END_OF_TIME,
    )
    return [HourlyHealth(hour=clock.from_sql(text(row[0])), checks=integer(row[1]), healthy=integer(row[2])) for row in rows]


def response_times(connection: Connection, since: datetime) -> list[ResponseTimes]:
    """Return the response times of every service with checks, from the hour of `since` on, by name."""
    begin, tail, is_kept = _source(connection, since)
    counted = "SELECT service_id, checks, answers, sum_us, minimum_us, maximum_us FROM service_sums" if is_kept else sums.OF_SERVICES
    rows = connection.rows(
        f"""
        SELECT s.service_name, sum(c.checks), sum(c.sum_us) / 1e6 / nullif(sum(c.answers), 0), min(c.minimum_us) / 1e6,
               max(c.maximum_us) / 1e6, p.p50_us / 1e6, p.p95_us / 1e6, p.p99_us / 1e6
        FROM ({counted} UNION ALL {sums.TAIL_OF_SERVICES}) AS c
        JOIN services AS s USING (service_id)
        LEFT JOIN service_percentiles AS p USING (service_id)
        WHERE s.removed_at IS NULL
        GROUP BY s.service_id ORDER BY s.service_name
        """,  # noqa: S608  our text
        begin,
        tail,
        END_OF_TIME,
    )
    return [
        ResponseTimes(
            service_name=text(row[0]),
            checks=integer(row[1]),
            average_s=real_or_none(row[2]),
            minimum_s=real_or_none(row[3]),
            maximum_s=real_or_none(row[4]),
            p50_s=real_or_none(row[5]),
            p95_s=real_or_none(row[6]),
            p99_s=real_or_none(row[7]),
        )
        for row in rows
    ]


def _source(connection: Connection, since: datetime) -> tuple[str, str, bool]:
    """Return from which hour on, from which check on, and whether what lies between them is kept as sums."""
    begin = hour_of(since)
    kept = sums.kept(connection)
    if kept is not None and kept.since == begin and kept.until <= since + WINDOW:  # beyond: by a clock that was ahead
        return clock.to_sql(begin), clock.to_sql(kept.until), True
    counted = stale_rollups.counted_until(connection) or begin
    return clock.to_sql(begin), clock.to_sql(max(begin, counted)), False


def alert_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """Return how many alerts of each severity were triggered since `since`."""
    rows = connection.rows(
        "SELECT severity, count(*) FROM alert_log WHERE triggered_at >= ? GROUP BY severity",
        clock.to_sql(since),
    )
    counts = {"critical": 0, "warning": 0, "info": 0}
    return counts | {text(row[0]): integer(row[1]) for row in rows}
