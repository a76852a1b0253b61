"""Databases for the benchmark of history: ours as the agent would have left it, and the earlier script's plain table.

Rows are put in by SQL, in the order of time as the agent writes them: by way of Python a month of them takes minutes.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.history import histogram
from healthmon.history.rollups import HIGH, MEDIAN, Counter, day_of
from healthmon.processes.keeper.counting import SETTLED, Counting
from healthmon.processes.keeper.summing import Summing
from healthmon.status.uptime import HOUR, Booked, hour_of
from healthmon.store import facts, services, space, stale_rollups, states
from healthmon.store.opening import create_or_open

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.store.connection import Connection

EVERY_S = 30
HOUR_S = 3_600
UNCOUNTED = timedelta(minutes=10)
SPEEDS, KINDS = 17, 30  # of services, and of hours of each
# One look in a hundred fails, with an error of 66 characters; each service has a speed of its own.
FILL = """
    WITH RECURSIVE tick (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM tick WHERE n + 1 < ?2)
    INSERT INTO checks
    SELECT strftime('%Y-%m-%d %H:%M:%f', ?1, '+' || (n * ?3 + service_id * 0.007) || ' seconds'), service_id, 0, 0,
           r % 100 > 0, CAST(2000 * pow(1.3, service_id % 17) * (0.7 + 0.6 * (r >> 10) / (1 << 53)) AS INTEGER),
           CASE WHEN r % 100 > 0 THEN 200 ELSE 500 END,
           CASE WHEN r % 100 > 0 THEN NULL ELSE 'status' END,
           CASE WHEN r % 100 > 0 THEN NULL ELSE 'expected 200-299, got 500 Internal Server Error from the server...' END
    FROM (SELECT tick.n, s.service_id, abs(random()) AS r FROM tick CROSS JOIN services AS s)
"""


def ours(path: Path, count: int, days: float) -> Connection:
    """Make a database with so many days of checks, all of them evaluated and counted."""
    now = datetime.now(UTC)
    connection = checked(path, count, now - timedelta(days=days), now)
    evaluated(connection, count, now - timedelta(days=days), now)
    counted(connection)
    space.checkpoint(connection, truncate=True)
    return connection


def checked(path: Path, count: int, since: datetime, until: datetime) -> Connection:
    """Make a database with the checks of a time, and nothing that follows from them."""
    connection = create_or_open(path)
    services.sync(connection, [(f"service_{number:04}", "bench", number % 3 == 0) for number in range(count)], now=until)
    at = since
    while at < until:
        fill(connection, at, min(timedelta(days=1), until - at))
        at += timedelta(days=1)
    return connection


def fill(connection: Connection, since: datetime, length: timedelta) -> None:
    with connection.transaction(durable=False):
        connection.rows(FILL, clock.to_sql(since), int(length.total_seconds() // EVERY_S), EVERY_S)


def evaluated(connection: Connection, count: int, since: datetime, now: datetime) -> None:
    """Do what the evaluator does, as far as it concerns history."""
    hours = [hour_of(since) + number * HOUR for number in range(int((now - hour_of(since)) / HOUR) + 1)]
    with connection.transaction(durable=False):
        states.save_hours(connection, [(sid, hour, Booked(healthy_s=3_564, unhealthy_s=36)) for hour in hours for sid in range(1, count + 1)])
        stale_rollups.mark_hours(connection, hours)


def counted(connection: Connection) -> None:
    """Do what the keeper does."""
    counting = Counting(connection)
    while counting.step() == 0.0:
        pass


def aged(path: Path, count: int, *, days: int, kept: int) -> Connection:
    """Make a database with so many days of hours, of which only the last `kept` have their checks: the others came of age.

    What is older than a day was counted by SQL. The last ten minutes are in no hour yet.
    """
    now = datetime.now(UTC)
    connection = checked(path, count, now - timedelta(days=min(days, kept)), now)
    evaluated(connection, count, now - timedelta(days=1), now)
    with connection.transaction(durable=False):
        facts.note_time(connection, stale_rollups.COUNTED_UNTIL, hour_of(now - timedelta(days=1)))
    hours_only(connection, count, days)
    counted(connection)
    fill(connection, now, UNCOUNTED)
    Summing(connection, settled=SETTLED).bring_up_to_date(now + UNCOUNTED)
    space.checkpoint(connection, truncate=True)
    return connection


def hours_only(connection: Connection, count: int, days: int) -> None:
    """Add so many days of hours to the services, where they have none: as if their checks were deleted long ago."""
    _make_kinds(connection)
    last = hour_of(datetime.now(UTC)) - 2 * HOUR
    for day in range(days):
        with connection.transaction(durable=False):
            connection.rows(
                """
                WITH RECURSIVE ago (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM ago WHERE n < ?1 + 23)
                INSERT OR IGNORE INTO service_hours
                SELECT service_id, strftime('%Y-%m-%d %H:00:00.000', ?2, '-' || n || ' hours'), 3564, 36, 0, 0, checks, healthy_checks, answers,
                       sum_us, minimum_us, maximum_us, histogram, p50_us, p95_us
                FROM ago CROSS JOIN services JOIN kinds ON speed = service_id % ?4 AND number = (n * 31 + service_id) % ?5 WHERE service_id <= ?3
                """,
                day * 24,
                clock.to_sql(last),
                count,
                SPEEDS,
                KINDS,
            )
            stale_rollups.mark(connection, stale_rollups.RollupSpan.DAY, [day_of(last - timedelta(days=day))])


def _make_kinds(connection: Connection) -> None:
    """Make some hours of each speed, of checks as FILL has them."""
    chance = random.Random(1)  # noqa: S311  the same figures every time, no secret
    connection.rows(
        "CREATE TEMP TABLE kinds (speed, number, checks, healthy_checks, answers, sum_us, minimum_us, maximum_us, histogram, p50_us, p95_us,"
        " PRIMARY KEY (speed, number)) WITHOUT ROWID",
    )
    for speed in range(SPEEDS):
        for number in range(KINDS):
            counter = Counter()
            for _ in range(HOUR_S // EVERY_S):
                counter.add(healthy=chance.random() > 0.01, response_time_us=int(2_000 * 1.3**speed * (0.7 + 0.6 * chance.random())))  # noqa: PLR2004  as FILL
            found = counter.counted()
            connection.change(
                f"INSERT INTO kinds VALUES ({', '.join('?' * 11)})",  # noqa: S608  question marks
                *(speed, number, found.checks, found.healthy_checks, found.answers, found.sum_us, found.minimum_us, found.maximum_us),
                *(histogram.encode(found.histogram), found.percentile_us(MEDIAN), found.percentile_us(HIGH)),
            )


def plain(path: Path, source: Path, *, index: bool) -> None:
    """Make the earlier script's table with the checks of one of ours; its best index is one on the time alone."""
    made = apsw.Connection(str(path))
    made.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    made.execute(
        "CREATE TABLE health_checks (service_name TEXT, status TEXT, response_time REAL, status_code INTEGER, error_message TEXT, timestamp TEXT)",
    )
    if index:
        made.execute("CREATE INDEX by_time ON health_checks (timestamp)")
    made.execute("ATTACH ? AS source", (str(source),))
    made.execute(
        """
        INSERT INTO health_checks
        SELECT s.service_name, CASE c.status WHEN 1 THEN 'healthy' ELSE 'unhealthy' END, c.response_time_us / 1e6, c.status_code,
               c.error_message, substr(c.timestamp, 1, 19)
        FROM source.checks AS c JOIN source.services AS s USING (service_id) ORDER BY c.timestamp
        """,
    )
    made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
