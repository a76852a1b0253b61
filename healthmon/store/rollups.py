"""Where is kept what hours and days add up to?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import reach
from healthmon.history import histogram
from healthmon.history.rollups import DAY, HIGH, MEDIAN, Counted, Counter, checks_of, day_of
from healthmon.history.together import Encoded
from healthmon.status.uptime import Booked, total
from healthmon.store import facts, stale_rollups
from healthmon.store.row import integer, time
from healthmon.store.stale_rollups import COUNTED_UNTIL, RollupSpan
from healthmon.store.states import booked_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection
    from healthmon.store.stale_rollups import Stale

PAGE = 5_000  # checks in memory at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """One service in one stretch of time."""

    time: Booked
    checks: Counted


def count(connection: Connection, since: datetime, until: datetime, service_ids: Iterable[int] | None = None) -> dict[int, Counted]:
    """Return what the checks of [since, until) found, by their services: of these alone, or of all.

    Not one moment's view: what is committed meanwhile may be missing, and then its hour is marked after this began.
    """
    wanted, listed = ("", ()) if service_ids is None else (f"AND service_id IN ({_LISTED})", (json.dumps(list(service_ids)),))
    counters: dict[int, Counter] = {}
    last: tuple[apsw.SQLiteValue, ...] = (clock.to_sql(since), -1, -1)
    while True:
        rows = connection.rows(
            f"""
            SELECT timestamp, service_id, sequence, status, response_time_us FROM checks
            WHERE (timestamp, service_id, sequence) > (?, ?, ?) AND timestamp < ? {wanted} AND kind = 0 AND status < 2
            ORDER BY timestamp, service_id, sequence LIMIT ?
            """,  # noqa: S608  our text
            *last,
            clock.to_sql(until),
            *listed,
            PAGE,
        )
        for _, service_id, _, status, response_time_us in rows:
            counter = counters.get(service_id)  # type: ignore[arg-type]  # STRICT: an integer, and this is asked of every check
            if counter is None:
                counter = counters[integer(service_id)] = Counter()
            counter.add(healthy=status == 1, response_time_us=response_time_us)  # type: ignore[arg-type]  # as above
        if len(rows) < PAGE:
            return {service_id: counter.counted() for service_id, counter in counters.items()}
        last = rows[-1][:3]


def save_hour(  # noqa: PLR0913  one fact each
    connection: Connection,
    hour: datetime,
    counted: Mapping[int, Counted],
    *,
    mark: Stale | None,
    is_over: bool,
    reached: datetime,
) -> None:
    """Write what an hour's checks found, and that everything before `reached` is counted now.

    When the hour `is_over`, that takes its mark away, and its day is to be added up. An hour of which somebody has deleted
    checks keeps what was counted while they were there.
    """
    rows = [(service_id, clock.to_sql(hour), *_values(found)) for service_id, found in counted.items()]  # all writers wait for the lock
    with connection.transaction(durable=False):
        connection.change_many(
            """
            INSERT INTO service_hours (service_id, hour, checks, healthy_checks, answers, sum_us, minimum_us, maximum_us, histogram,
                                       p50_us, p95_us)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
                checks = excluded.checks, healthy_checks = excluded.healthy_checks, answers = excluded.answers,
                sum_us = excluded.sum_us, minimum_us = excluded.minimum_us, maximum_us = excluded.maximum_us,
                histogram = excluded.histogram, p50_us = excluded.p50_us, p95_us = excluded.p95_us
            WHERE excluded.checks >= service_hours.checks
            """,
            rows,
        )
        if is_over:
            stale_rollups.mark(connection, RollupSpan.DAY, [day_of(hour)])
        if is_over and mark is not None:
            stale_rollups.unmark(connection, RollupSpan.HOUR, mark)
        facts.note_time(connection, COUNTED_UNTIL, reached)


def add_up_day(connection: Connection, mark: Stale) -> None:
    """Make a day the sum of its hours, one service at a time: merging all at once would hold the lock for too long."""
    for service_id in service_ids(connection):
        found = [rollup for _, rollup in hours(connection, service_id, mark.start, mark.start + DAY)]
        if found:
            _save_day(connection, service_id, clock.to_sql(mark.start), add_up(found))
            reach("keeper.adding_up")
    with connection.transaction(durable=False):
        stale_rollups.unmark(connection, RollupSpan.DAY, mark)


def service_ids(connection: Connection) -> list[int]:
    """Return all services that may have history, whether they are watched or not."""
    return [integer(row[0]) for row in connection.rows("SELECT service_id FROM services ORDER BY service_id")]


def add_up(parts: Iterable[Rollup]) -> Rollup:
    """Return all parts together."""
    known = list(parts)
    return Rollup(time=total(one.time for one in known), checks=checks_of(one.checks for one in known))


def hours(connection: Connection, service_id: int, since: datetime, until: datetime) -> list[tuple[datetime, Rollup]]:
    """Return the hours of a service that begin in [since, until), oldest first, with what they add up to."""
    return hours_of(connection, [service_id], since, until)[service_id]


def hours_of(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[tuple[datetime, Rollup]]]:
    """Return the same of each of several services."""
    return _of_each(connection, _HOURS, service_ids, since, until)


def days_of(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[tuple[datetime, Rollup]]]:
    """Return the same of days. Today, and a yesterday that is just over, are not among them."""
    return _of_each(connection, _DAYS, service_ids, since, until)


_COLUMNS = """healthy_s, unhealthy_s, unknown_s, maintenance_s, checks, healthy_checks, answers, sum_us,
              minimum_us, maximum_us, histogram, p50_us, p95_us"""
_LISTED = "SELECT value FROM json_each(?)"
ASKED_HOURS = """
    WITH RECURSIVE asked (hour) AS (
        SELECT ?2 WHERE ?2 < ?3
        UNION ALL SELECT strftime('%Y-%m-%d %H:00:00.000', hour, '+1 hour') FROM asked WHERE hour < strftime('%Y-%m-%d %H:%M:%f', ?3, '-1 hour')
    )
"""
_HOURS = f"""
    {ASKED_HOURS}
    SELECT hour, {_COLUMNS}, service_id
    FROM asked CROSS JOIN json_each(?1) AS wanted CROSS JOIN service_hours USING (hour) WHERE service_id = wanted.value
    ORDER BY hour
"""  # noqa: S608  our columns; a search for each hour and service: all services' rows of an hour lie between two of one service
_DAYS = f"""
    SELECT day, {_COLUMNS}, service_id
    FROM json_each(?1) AS wanted CROSS JOIN service_days WHERE service_id = wanted.value AND day >= ?2 AND day < ?3
    ORDER BY service_id, day
"""  # noqa: S608  as above


def _of_each(connection: Connection, sql: str, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[tuple[datetime, Rollup]]]:
    found: dict[int, list[tuple[datetime, Rollup]]] = {service_id: [] for service_id in service_ids}
    for row in connection.rows(sql, json.dumps(list(found)), clock.to_sql(since), clock.to_sql(until)):
        found[integer(row[14])].append(_part(row))
    return found


def _part(row: Sequence[apsw.SQLiteValue]) -> tuple[datetime, Rollup]:
    return time(row[0]), Rollup(time=booked_time(row[1:5]), checks=_counted(*row[5:14]))  # type: ignore[arg-type]  # STRICT columns


def _save_day(connection: Connection, service_id: int, day: str, rollup: Rollup) -> None:
    """Write a day, unless hours of it were deleted since it was last added up."""
    spent = rollup.time
    with connection.transaction(durable=False):
        connection.change(
            """
            INSERT INTO service_days (service_id, day, healthy_s, unhealthy_s, unknown_s, maintenance_s,
                                      checks, healthy_checks, answers, sum_us, minimum_us, maximum_us, histogram, p50_us, p95_us)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
                healthy_s = excluded.healthy_s, unhealthy_s = excluded.unhealthy_s, unknown_s = excluded.unknown_s,
                maintenance_s = excluded.maintenance_s, checks = excluded.checks, healthy_checks = excluded.healthy_checks,
                answers = excluded.answers, sum_us = excluded.sum_us, minimum_us = excluded.minimum_us,
                maximum_us = excluded.maximum_us, histogram = excluded.histogram, p50_us = excluded.p50_us, p95_us = excluded.p95_us
            WHERE excluded.checks >= service_days.checks
              AND excluded.healthy_s + excluded.unhealthy_s + excluded.unknown_s + excluded.maintenance_s + 1
                  >= service_days.healthy_s + service_days.unhealthy_s + service_days.unknown_s + service_days.maintenance_s
            """,
            service_id,
            day,
            spent.healthy_s,
            spent.unhealthy_s,
            spent.unknown_s,
            spent.maintenance_s,
            *_values(rollup.checks),
        )


def _values(found: Counted) -> tuple[apsw.SQLiteValue, ...]:
    return (
        found.checks,
        found.healthy_checks,
        found.answers,
        found.sum_us,
        found.minimum_us,
        found.maximum_us,
        histogram.encode(found.histogram) if found.answers else None,
        found.percentile_us(MEDIAN),
        found.percentile_us(HIGH),
    )


def _counted(  # noqa: PLR0913, PLR0917  the columns; asked of thousands of rows for a page, so none is looked at twice
    checks: int,
    healthy_checks: int,
    answers: int,
    sum_us: int,
    minimum_us: int | None,
    maximum_us: int | None,
    encoded: bytes | None,
    p50_us: float | None,
    p95_us: float | None,
) -> Counted:
    return Counted(
        checks=checks,
        healthy_checks=healthy_checks,
        answers=answers,
        sum_us=sum_us,
        minimum_us=minimum_us,
        maximum_us=maximum_us,
        histogram={} if encoded is None else Encoded(encoded, answers, p50_us, p95_us),
        p50_us=p50_us,
        p95_us=p95_us,
    )
