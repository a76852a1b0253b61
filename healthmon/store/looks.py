"""What did looks find? Those of a time, of all services or of one, as who judges, heals or shows them needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.check import CheckKind
from healthmon.store.check_rows import KIND_NUMBERS, STATUSES, check_of
from healthmon.store.row import integer, time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import apsw

    from healthmon.model.check import Check, CheckStatus
    from healthmon.store.connection import Connection

REPLAY_PAGE = 2_000


def between(connection: Connection, since: datetime, before: datetime) -> list[Check]:
    """Return every look at every service of a time, of whatever kind, oldest first."""
    rows = connection.rows(
        """
        SELECT service_id, kind, timestamp, response_time_us, status_code, reason, error_message
        FROM checks WHERE timestamp >= ? AND timestamp < ? ORDER BY timestamp, service_id, sequence
        """,
        clock.to_sql(since),
        clock.to_sql(before),
    )
    return list(map(check_of, rows))


def newest_at(connection: Connection) -> datetime | None:
    """Return when the newest check was made; None when there is none."""
    found = connection.row("SELECT max(timestamp) FROM checks")
    return None if found is None or found[0] is None else time(found[0])


def scheduled_since(connection: Connection, since: datetime) -> list[Check]:
    """Return the scheduled looks at all services since `since`, oldest first, without those that are still in the inbox."""
    rows = connection.rows(
        """
        SELECT service_id, kind, timestamp, response_time_us, status_code, reason, error_message
        FROM checks WHERE timestamp >= ? AND kind = ?
          AND (timestamp, service_id, sequence) NOT IN (SELECT timestamp, service_id, sequence FROM inbox)
        ORDER BY timestamp
        """,
        clock.to_sql(since),
        KIND_NUMBERS[CheckKind.SCHEDULED],
    )
    return list(map(check_of, rows))


def last_scheduled(connection: Connection, since: datetime, *, limit: int) -> list[Check]:
    """Return, of each service, the newest `limit` scheduled looks since `since` that found something out, oldest first.

    Without those that are still in the inbox: the evaluator gets them from there.
    """
    rows = connection.rows(
        """
        SELECT service_id, kind, timestamp, response_time_us, status_code, reason, error_message
        FROM (
            SELECT c.*, row_number() OVER (PARTITION BY c.service_id ORDER BY c.timestamp DESC, c.sequence DESC) AS age
            FROM checks AS c LEFT JOIN inbox AS i USING (timestamp, service_id, sequence)
            WHERE c.timestamp >= ? AND c.kind = ? AND c.status < 2 AND i.inbox_id IS NULL
        )
        WHERE age <= ? ORDER BY timestamp, sequence
        """,
        clock.to_sql(since),
        KIND_NUMBERS[CheckKind.SCHEDULED],
        limit,
    )
    return list(map(check_of, rows))


def statuses_between(  # noqa: PLR0913  one question
    connection: Connection,
    service_id: int,
    since: datetime,
    until: datetime,
    *,
    limit: int,
    asked_for_only: bool,
) -> list[CheckStatus]:
    """Return what the newest looks at a service in that time said, oldest first: of every kind, or only those asked for."""
    kinds = (CheckKind.REQUESTED,) if asked_for_only else tuple(CheckKind)
    rows = connection.rows(
        f"""
        SELECT status FROM checks
        WHERE timestamp > ? AND timestamp <= ? AND service_id = ? AND kind IN ({", ".join("?" * len(kinds))})
        ORDER BY timestamp DESC LIMIT ?
        """,  # noqa: S608  question marks
        clock.to_sql(since),
        clock.to_sql(until),
        service_id,
        *(KIND_NUMBERS[kind] for kind in kinds),
        limit,
    )
    return [STATUSES[integer(row[0])] for row in reversed(rows)]


def page(connection: Connection, service_id: int, *, since: datetime, before: datetime, limit: int) -> list[Check]:
    """Return the newest scheduled looks at a service that found something out, within a time, newest first.

    Walks back over the looks at all services, which lie in the order of time: so the time has to be bounded.
    """
    rows = connection.rows(
        """
        SELECT service_id, kind, timestamp, response_time_us, status_code, reason, error_message
        FROM checks WHERE timestamp >= ? AND timestamp < ? AND service_id = ? AND kind = ? AND status < 2
        ORDER BY timestamp DESC, sequence DESC LIMIT ?
        """,
        clock.to_sql(since),
        clock.to_sql(before),
        service_id,
        KIND_NUMBERS[CheckKind.SCHEDULED],
        limit,
    )
    return list(map(check_of, rows))


def newest_of(connection: Connection, service_id: int, since: datetime, *, limit: int) -> list[Check]:
    """Return the newest looks of every kind at one service since `since`, oldest first."""
    rows = connection.rows(
        """
        SELECT service_id, kind, timestamp, response_time_us, status_code, reason, error_message
        FROM checks WHERE timestamp >= ? AND service_id = ? ORDER BY timestamp DESC, sequence DESC LIMIT ?
        """,
        clock.to_sql(since),
        service_id,
        limit,
    )
    return [check_of(row) for row in reversed(rows)]


def replayed(connection: Connection, since: datetime, until: datetime) -> Iterator[Check]:
    """Yield all looks at all services in [since, until), of every kind, oldest first, a page in memory at a time."""
    last: tuple[apsw.SQLiteValue, ...] = (clock.to_sql(since), -1, -1)
    while True:
        rows = connection.rows(
            """
            SELECT service_id, kind, timestamp, response_time_us, status_code, reason, error_message, sequence FROM checks
            WHERE (timestamp, service_id, sequence) > (?, ?, ?) AND timestamp < ?
            ORDER BY timestamp, service_id, sequence LIMIT ?
            """,
            *last,
            clock.to_sql(until),
            REPLAY_PAGE,
        )
        yield from (check_of(row[:7]) for row in rows)
        if len(rows) < REPLAY_PAGE:
            return
        last = (rows[-1][2], rows[-1][0], rows[-1][7])
