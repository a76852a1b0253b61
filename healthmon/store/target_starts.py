"""When was the target of a service started anew, and how long did it take to answer?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, real, text, time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection

KEPT = timedelta(hours=6)
LEARNED_KEPT = timedelta(days=90)
LEARNED_FROM = 50  # the newest starts of an image
MAX_KEPT = 1_000  # starts of one service: one that loops must not fill the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of the target of a service, and what was started."""

    at: datetime
    image_id: str


def note(connection: Connection, started: Mapping[int, Start], *, now: datetime) -> None:
    """Remember starts, by service, and forget what is long over."""
    for sid, start in started.items():
        connection.change("UPDATE target_starts SET is_awaited = 0 WHERE service_id = ? AND is_awaited = 1", sid)
        connection.change(
            "INSERT OR IGNORE INTO target_starts (service_id, started_at, image_id) VALUES (?, ?, ?)",
            sid,
            clock.to_sql(start.at),
            start.image_id,
        )
        connection.change(
            """
            DELETE FROM target_starts WHERE service_id = ?1 AND started_at <= (
                SELECT started_at FROM target_starts WHERE service_id = ?1 ORDER BY started_at DESC LIMIT 1 OFFSET ?2
            )
            """,
            sid,
            MAX_KEPT,
        )
    connection.change(
        "DELETE FROM target_starts WHERE started_at < ? AND (answered_after_s IS NULL OR started_at < ?)",
        clock.to_sql(now - KEPT),
        clock.to_sql(now - LEARNED_KEPT),
    )


def awaited(connection: Connection) -> dict[int, datetime]:
    """Return by service the newest start after which no good look was made yet."""
    return {integer(row[0]): time(row[1]) for row in connection.rows("SELECT service_id, started_at FROM target_starts WHERE is_awaited = 1")}


def answered(connection: Connection, service_id: int, started_at: datetime, *, at: datetime) -> None:
    """Remember that a good look was made after a start."""
    connection.change(
        "UPDATE target_starts SET answered_after_s = ?, is_awaited = 0 WHERE service_id = ? AND started_at = ?",
        (at - started_at).total_seconds(),
        service_id,
        clock.to_sql(started_at),
    )


def seconds_to_answer(connection: Connection, service_id: int, image_id: str) -> list[float]:
    """Return how long the last starts of an image took until the first good look."""
    rows = connection.rows(
        """
        SELECT answered_after_s FROM target_starts
        WHERE service_id = ? AND image_id = ? AND answered_after_s IS NOT NULL ORDER BY started_at DESC LIMIT ?
        """,
        service_id,
        image_id,
        LEARNED_FROM,
    )
    return [real(row[0]) for row in rows]


def count(connection: Connection, service_id: int, *, since: datetime, until: datetime) -> int:
    """Count the starts of a time; those that lie ahead are of a clock that was set back."""
    found = connection.row(
        "SELECT count(*) FROM target_starts WHERE service_id = ? AND started_at BETWEEN ? AND ?",
        service_id,
        clock.to_sql(since),
        clock.to_sql(until),
    )
    return 0 if found is None else integer(found[0])


def between(connection: Connection, service_id: int, since: datetime, until: datetime) -> list[Start]:
    """Return the starts of a time, oldest first, after the last one before it: what was started then may have been another image."""
    rows = connection.rows(
        """
        SELECT started_at, image_id FROM target_starts
        WHERE service_id = ?1 AND started_at < ?3
          AND started_at >= coalesce((SELECT max(started_at) FROM target_starts WHERE service_id = ?1 AND started_at < ?2), ?2)
        ORDER BY started_at
        """,
        service_id,
        clock.to_sql(since),
        clock.to_sql(until),
    )
    return [Start(at=time(row[0]), image_id=text(row[1])) for row in rows]
