"""How do deliveries move from queued to what became of them? Only the notifier calls what writes here.

Everything that writes belongs into a durable transaction of the caller, and hits only rows that are still queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.delivery import Delivery, DeliveryState, Queued
from healthmon.store import outbox
from healthmon.store.row import integer, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import apsw

    from healthmon.model.notification import Notification
    from healthmon.store.connection import Connection

_COLUMNS = """d.delivery_id, d.notification_id, d.channel, d.state, d.attempts, d.unknown_attempts, d.next_attempt_at, d.expires_at,
              d.last_error, d.proof, d.closed_at"""


def queued(connection: Connection, channel: str) -> list[Queued]:
    """Return all deliveries of a channel that wait, in the order in which they were queued.

    All: what is put together takes its place at the end, and must not come to stand behind what it has not seen.
    """
    rows = connection.rows(
        f"""
        SELECT {_COLUMNS}, n.notification_id, n.kind, n.severity, n.created_at, n.content
        FROM deliveries AS d JOIN notifications AS n ON n.notification_id = d.notification_id
        WHERE d.channel = ? AND d.closed_at IS NULL ORDER BY d.delivery_id
        """,  # noqa: S608  our own column names
        channel,
    )
    return [Queued(delivery=_delivery(row[:11]), notification=outbox.read_notification(row[11:])) for row in rows]


def waits(connection: Connection, channel: str) -> bool:
    """Tell whether a channel has anything queued."""
    return connection.row("SELECT 1 FROM deliveries WHERE channel = ? AND closed_at IS NULL LIMIT 1", channel) is not None


def channels_that_wait(connection: Connection) -> set[str]:
    """Return the channels that have a delivery queued, configured or not."""
    return {text(row[0]) for row in connection.rows("SELECT DISTINCT channel FROM deliveries WHERE closed_at IS NULL")}


def count_waiting(connection: Connection) -> dict[str, int]:
    """Return how many deliveries of each channel are queued."""
    rows = connection.rows("SELECT channel, count(*) FROM deliveries WHERE closed_at IS NULL GROUP BY channel")
    return {text(row[0]): integer(row[1]) for row in rows}


def of_channel(connection: Connection, channel: str, *, limit: int) -> list[Delivery]:
    """Return a channel's newest deliveries, whatever became of them, the newest first."""
    rows = connection.rows(
        f"SELECT {_COLUMNS} FROM deliveries AS d WHERE d.channel = ? ORDER BY d.delivery_id DESC LIMIT ?",  # noqa: S608  our own column names
        channel,
        limit,
    )
    return [_delivery(row) for row in rows]


def about(connection: Connection, service: str, *, limit: int) -> list[Queued]:
    """Return the newest deliveries of messages that speak of a service, the newest first, whatever became of them."""
    rows = connection.rows(
        f"""
        SELECT {_COLUMNS}, n.notification_id, n.kind, n.severity, n.created_at, n.content
        FROM deliveries AS d JOIN notifications AS n ON n.notification_id = d.notification_id
        WHERE EXISTS (SELECT 1 FROM json_each(n.content, '$.affected') AS one WHERE json_extract(one.value, '$.service') = ?)
        ORDER BY d.delivery_id DESC LIMIT ?
        """,  # noqa: S608  our own column names
        service,
        limit,
    )
    return [Queued(delivery=_delivery(row[:11]), notification=outbox.read_notification(row[11:])) for row in rows]


def created_since(connection: Connection, at: datetime, *, limit: int) -> list[Queued]:
    """Return the newest deliveries of messages that were written at `at` or later, the newest first, whatever became of them."""
    rows = connection.rows(
        f"""
        SELECT {_COLUMNS}, n.notification_id, n.kind, n.severity, n.created_at, n.content
        FROM (SELECT * FROM notifications WHERE created_at >= ? ORDER BY created_at DESC LIMIT ?) AS n
        JOIN deliveries AS d ON d.notification_id = n.notification_id ORDER BY d.delivery_id DESC
        """,  # noqa: S608  our own column names
        clock.to_sql(at),
        limit,
    )
    return [Queued(delivery=_delivery(row[:11]), notification=outbox.read_notification(row[11:])) for row in rows]


def is_not_lost(connection: Connection, notification_id: int) -> bool:
    """Tell whether a message, or one that was put together of it and others, has reached anybody, or still may."""
    sql = "SELECT 1 FROM deliveries WHERE notification_id = ? AND state <> 'parked' LIMIT 1"
    return connection.row(sql, notification_id) is not None


def sent_between(connection: Connection, channel: str, start: datetime, end: datetime, *, limit: int) -> list[datetime]:
    """Return when the last deliveries of a channel within a time were sent, the oldest first."""
    rows = connection.rows(
        """
        SELECT closed_at FROM deliveries WHERE channel = ? AND state = 'sent' AND closed_at > ? AND closed_at <= ?
        ORDER BY closed_at DESC LIMIT ?
        """,
        channel,
        clock.to_sql(start),
        clock.to_sql(end),
        limit,
    )
    return [time(row[0]) for row in reversed(rows)]


def begin(connection: Connection, delivery_id: int, *, next_attempt_at: datetime) -> bool:
    """Write down that an attempt begins, and when the next would follow if nobody sees the end of this one."""
    return _change(
        connection,
        "attempts = attempts + 1, unknown_attempts = unknown_attempts + 1, next_attempt_at = ?",
        delivery_id,
        clock.to_sql(next_attempt_at),
    )


def failed(connection: Connection, delivery_id: int, *, error: str, next_attempt_at: datetime) -> bool:
    """Write down that the last attempt did not arrive."""
    return _change(
        connection,
        "unknown_attempts = unknown_attempts - 1, last_error = ?, next_attempt_at = ?",
        delivery_id,
        error,
        clock.to_sql(next_attempt_at),
    )


def unanswered(connection: Connection, delivery_id: int, *, error: str, next_attempt_at: datetime) -> bool:
    """Write down that the last attempt may have arrived."""
    return _change(connection, "last_error = ?, next_attempt_at = ?", delivery_id, error, clock.to_sql(next_attempt_at))


def sent(connection: Connection, delivery_id: int, *, proof: str, now: datetime) -> bool:
    return _change(
        connection,
        "state = 'sent', unknown_attempts = unknown_attempts - 1, proof = ?, closed_at = ?",
        delivery_id,
        proof,
        clock.to_sql(now),
    )


def park(connection: Connection, delivery_id: int, *, error: str, now: datetime) -> bool:
    """Give up on a delivery; it stays to be seen."""
    return _change(connection, "state = 'parked', last_error = ?, closed_at = ?", delivery_id, error, clock.to_sql(now))


def combine(connection: Connection, members: Sequence[Delivery], messages: Iterable[Notification], *, now: datetime) -> None:
    """Put `messages`, which say what those of `members` would have said, in their place."""
    last = max(members, key=lambda one: one.expires_at)
    for message in messages:
        outbox.enqueue(connection, message, [last.channel], lifetime=last.expires_at - message.created_at)
        connection.change(
            """
            UPDATE deliveries SET attempts = ?, unknown_attempts = ?, next_attempt_at = ?
            WHERE delivery_id = (SELECT max(delivery_id) FROM deliveries)
            """,
            max(one.attempts for one in members),
            max(one.unknown_attempts for one in members),
            clock.to_sql(now),
        )
    for member in members:
        _change(connection, "state = 'superseded', closed_at = ?", member.delivery_id, clock.to_sql(now))


def _change(connection: Connection, what: str, delivery_id: int, *values: apsw.SQLiteValue) -> bool:
    sql = f"UPDATE deliveries SET {what} WHERE delivery_id = ? AND closed_at IS NULL"  # noqa: S608  words of this file
    return connection.change(sql, *values, delivery_id) == 1


def _delivery(row: Sequence[apsw.SQLiteValue]) -> Delivery:
    return Delivery(
        delivery_id=integer(row[0]),
        notification_id=integer(row[1]),
        channel=text(row[2]),
        state=DeliveryState(text(row[3])),
        attempts=integer(row[4]),
        unknown_attempts=integer(row[5]),
        next_attempt_at=time(row[6]),
        expires_at=time(row[7]),
        last_error=text_or_none(row[8]),
        proof=text_or_none(row[9]),
        closed_at=time_or_none(row[10]),
    )
