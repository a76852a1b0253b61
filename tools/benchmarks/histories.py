"""Databases for the benchmark of history: ours as the agent would have written it, and the earlier script's plain table."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.history import histogram
from healthmon.model.check import Check, CheckKind, CheckReason, Outcome
from healthmon.processes.keeper.counting import Counting
from healthmon.status.uptime import HOUR, Booked, hour_of
from healthmon.store import checks, rollups, services, space, states
from healthmon.store.connection import Connection, create_or_open

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERY = timedelta(seconds=30)
ERROR = "expected 200-299, got 500 Internal Server Error from the service there"
PLAIN = """
    CREATE TABLE health_checks (service_name TEXT, status TEXT, response_time REAL, status_code INTEGER, error_message TEXT, timestamp TEXT)
"""


def looks(count: int, since: datetime, until: datetime) -> Iterator[list[Check]]:
    """Yield one list of checks a tick, as `count` services give them: one look in a hundred fails."""
    chance = random.Random(1)  # noqa: S311  the same checks every time
    base = [0.002 * 1.3 ** (number % 17) for number in range(count)]
    at = since
    while at < until:
        tick = []
        for number in range(count):
            ill = chance.random() < 0.01  # noqa: PLR2004  one in a hundred
            seconds = base[number] * chance.lognormvariate(0, 0.3)
            outcome = Outcome(
                reason=CheckReason.STATUS if ill else CheckReason.OK,
                response_time_s=seconds,
                status_code=500 if ill else 200,
                error_message=ERROR if ill else None,
            )
            tick.append(Check(service_id=number + 1, kind=CheckKind.SCHEDULED, checked_at=at + timedelta(milliseconds=7 * number), outcome=outcome))
        yield tick
        at += EVERY


def ours(path: Path, count: int, days: float) -> Connection:
    """Make a database with so many days of checks, all of them evaluated and counted."""
    connection = create_or_open(path)
    now = datetime.now(UTC)
    services.sync(connection, [(f"service_{number:04}", "bench", number % 3 == 0) for number in range(count)], now=now)
    waiting: list[Check] = []
    since = now - timedelta(days=days)
    for tick in looks(count, since, now - timedelta(seconds=5)):
        waiting += tick
        if len(waiting) >= 2_000:  # noqa: PLR2004  of one transaction
            checks.append(connection, waiting)
            waiting = []
    checks.append(connection, waiting)
    evaluated(connection, count, since, now)
    counted(connection)
    space.checkpoint(connection, truncate=True)
    return connection


def evaluated(connection: Connection, count: int, since: datetime, now: datetime) -> None:
    """Do what the evaluator does, as far as it concerns history."""
    hours = [hour_of(since) + number * HOUR for number in range(int((now - hour_of(since)) / HOUR) + 1)]
    with connection.transaction(durable=False):
        connection.change("DELETE FROM inbox")
        states.save_hours(connection, [(sid, hour, Booked(healthy_s=3_564, unhealthy_s=36)) for hour in hours for sid in range(1, count + 1)])
        rollups.mark_stale(connection, hours)


def counted(connection: Connection) -> None:
    """Do what the keeper does."""
    counting = Counting(connection)
    while counting.step() == 0.0:
        pass


def hours_only(connection: Connection, count: int, days: int) -> None:
    """Add so many days of hours to the services, as if their checks were deleted long ago."""
    blob = histogram.encode({500 + 3 * number: 3 for number in range(40)})
    last = hour_of(datetime.now(UTC)) - 2 * HOUR
    with connection.transaction(durable=False):
        connection.rows(
            """
            WITH RECURSIVE ago (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM ago WHERE n + 1 < ?1)
            INSERT OR IGNORE INTO service_hours
            SELECT service_id, strftime('%Y-%m-%d %H:00:00.000', ?2, '-' || n || ' hours'), 3564, 36, 0, 0, 120, 119, 120, 1200000, 5000, 20000, ?3
            FROM ago CROSS JOIN services WHERE service_id <= ?4
            """,
            days * 24,
            clock.to_sql(last),
            blob,
            count,
        )


def plain(path: Path, count: int, days: float, *, index: bool) -> apsw.Connection:
    """Make the earlier script's table with the same checks; its best index is one on the time alone."""
    made = apsw.Connection(str(path))
    made.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    made.execute(PLAIN)
    if index:
        made.execute("CREATE INDEX by_time ON health_checks (timestamp)")
    now = datetime.now(UTC)
    with made:
        for tick in looks(count, now - timedelta(days=days), now - timedelta(seconds=5)):
            made.executemany(
                "INSERT INTO health_checks VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        f"service_{one.service_id - 1:04}",
                        one.status.value,
                        one.outcome.response_time_s,
                        one.outcome.status_code,
                        one.outcome.error_message,
                        f"{one.checked_at:%Y-%m-%d %H:%M:%S}",
                    )
                    for one in tick
                ],
            )
    made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made
