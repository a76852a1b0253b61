"""What do the last hours look like? Sums over raw checks, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, real_or_none, text

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyHealth:
    """The checks of all services in one hour, which starts at `hour`."""

    hour: datetime
    checks: int
    healthy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimes:
    """The response times of one service, in seconds; None when no check was answered."""

    service_name: str
    checks: int
    average_s: float | None
    maximum_s: float | None


def hourly_health(connection: Connection, since: datetime) -> list[HourlyHealth]:
    """Return every hour since `since` that has checks, oldest first."""
    rows = connection.rows(
        """
        SELECT substr(timestamp, 1, 13), count(*), sum(status = 1)
        FROM checks WHERE timestamp >= ? AND kind = 0 AND status < 2
        GROUP BY 1 ORDER BY 1
        """,
        clock.to_sql(since),
    )
    return [
        HourlyHealth(hour=clock.from_sql(text(row[0]) + ":00:00.000"), checks=integer(row[1]), healthy=integer(row[2]))
        for row in rows
    ]


def response_times(connection: Connection, since: datetime) -> list[ResponseTimes]:
    """Return the response times of every service with checks since `since`, by name."""
    rows = connection.rows(
        """
        SELECT s.service_name, c.checks, c.average_us / 1e6, c.maximum_us / 1e6
        FROM (SELECT service_id, count(*) AS checks, avg(response_time_us) AS average_us,
                     max(response_time_us) AS maximum_us
              FROM checks WHERE timestamp >= ? AND kind = 0 AND status < 2 GROUP BY service_id) AS c
        JOIN services AS s USING (service_id)
        WHERE s.removed_at IS NULL
        ORDER BY s.service_name
        """,
        clock.to_sql(since),
    )
    return [
        ResponseTimes(
            service_name=text(row[0]),
            checks=integer(row[1]),
            average_s=real_or_none(row[2]),
            maximum_s=real_or_none(row[3]),
        )
        for row in rows
    ]


def alert_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """Return how many alerts of each severity were triggered since `since`."""
    rows = connection.rows(
        "SELECT severity, count(*) FROM alert_log WHERE triggered_at >= ? GROUP BY severity",
        clock.to_sql(since),
    )
    counts = {"critical": 0, "warning": 0, "info": 0}
    return counts | {text(row[0]): integer(row[1]) for row in rows}
