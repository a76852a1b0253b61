"""How much of a range of time was each of many services what? Of what `history.between` tells, the time alone, in one question."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.history.rollups import ranges, share_inside
from healthmon.status.uptime import HOUR, hour_of
from healthmon.store import facts
from healthmon.store.row import integer, time
from healthmon.store.stale_rollups import DAYS_UNTIL
from healthmon.store.states import booked_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.status.uptime import Booked
    from healthmon.store.connection import Connection

NEVER = datetime.max.replace(tzinfo=UTC)
_SUMS = "sum(healthy_s * share), sum(unhealthy_s * share), sum(unknown_s * share), sum(maintenance_s * share)"
_BETWEEN = f"""
    SELECT service_id, {_SUMS}
    FROM (
        SELECT service_id, healthy_s, unhealthy_s, unknown_s, maintenance_s, iif(hour < ?3, ?4, 1.0) AS share
        FROM json_each(?2) AS asked CROSS JOIN json_each(?1) AS wanted CROSS JOIN service_hours
        WHERE hour = asked.value AND service_id = wanted.value
        UNION ALL
        SELECT service_id, healthy_s, unhealthy_s, unknown_s, maintenance_s, 1.0
        FROM json_each(?1) AS wanted CROSS JOIN service_days
        WHERE service_id = wanted.value AND day >= ?5 AND day < ?6
    )
    GROUP BY service_id
"""  # noqa: S608  our columns; a search for each hour and service, as in rollups


def between(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, Booked]:
    """Return the booked time of each of these services in [since, until); nothing of one that has none."""
    pieces = ranges(since, until, days_until=facts.noted_time(connection, DAYS_UNTIL))
    first = _first_hour(connection)
    hours = [clock.to_sql(hour) for start, end in (pieces.hours_before, pieces.hours_after) for hour in _hours(max(start, first), end)]
    rows = connection.rows(
        _BETWEEN,
        json.dumps(list(service_ids)),
        json.dumps(hours),
        clock.to_sql(since),
        share_inside(hour_of(since), HOUR, since, hour_of(since) + HOUR),
        *map(clock.to_sql, pieces.days),
    )
    return {integer(row[0]): booked_time(row[1:5]) for row in rows}


def _first_hour(connection: Connection) -> datetime:
    """Return the first hour of which anything is kept: before the keeper's first day is added up, a month would be asked for by the hour."""
    first = connection.row("SELECT min(hour) FROM service_hours")
    return NEVER if first is None or first[0] is None else time(first[0])


def _hours(start: datetime, end: datetime) -> Iterable[datetime]:
    while start < end:
        yield start
        start += HOUR
