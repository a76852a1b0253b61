"""Where is it kept which services people hold back from restarts?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.hold import Hold
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


def add(connection: Connection, hold: Hold) -> int:
    """Enter it in place of the one that stands, and return its id."""
    end(connection, hold.service_id, at=hold.starts_at)
    rows = connection.rows(
        "INSERT INTO holds (service_id, starts_at, ends_at, author, reason) VALUES (?, ?, ?, ?, ?) RETURNING hold_id",
        hold.service_id,
        clock.to_sql(hold.starts_at),
        clock.to_sql(hold.ends_at),
        hold.author,
        hold.reason,
    )
    return integer(rows[0][0])


def end(connection: Connection, service_id: int, *, at: datetime) -> bool:
    """End the one that stands. Return whether there was one."""
    return connection.change("UPDATE holds SET ends_at = ?1 WHERE service_id = ?2 AND ends_at > ?1", clock.to_sql(at), service_id) > 0


def standing(connection: Connection, *, at: datetime) -> dict[int, Hold]:
    """Return those that stand, by service."""
    rows = connection.rows(
        "SELECT hold_id, service_id, starts_at, ends_at, author, reason FROM holds WHERE ends_at > ? ORDER BY hold_id",
        clock.to_sql(at),
    )
    return {
        integer(row[1]): Hold(
            hold_id=integer(row[0]),
            service_id=integer(row[1]),
            starts_at=time(row[2]),
            ends_at=time(row[3]),
            author=text(row[4]),
            reason=text(row[5]),
        )
        for row in rows
    }
