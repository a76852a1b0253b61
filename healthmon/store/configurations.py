"""Where is it kept which configurations were applied?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.configuration import Configuration, ConfigurationCause
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

KEPT = 200
_SELECT = "SELECT number, applied_at, author, cause, source, content FROM configurations "


def enter(connection: Connection, configuration: Configuration) -> None:
    """Keep a configuration, unless it is kept already or says the same as the last one; forget all but the last 200."""
    last = newest(connection)
    if last is not None and (last.number == configuration.number or last.content == configuration.content):
        return
    with connection.transaction(durable=True):
        connection.change(
            "INSERT OR REPLACE INTO configurations (number, applied_at, author, cause, source, content) VALUES (?, ?, ?, ?, ?, ?)",
            configuration.number,
            clock.to_sql(configuration.applied_at),
            configuration.author,
            configuration.cause.value,
            configuration.source,
            configuration.content,
        )
        connection.change(
            "DELETE FROM configurations WHERE number <= (SELECT number FROM configurations ORDER BY number DESC LIMIT 1 OFFSET ?)",
            KEPT,
        )


def newest(connection: Connection) -> Configuration | None:
    """Return what was applied last, or None."""
    found = connection.row(_SELECT + "ORDER BY number DESC LIMIT 1")
    return None if found is None else _configuration(found)


def history(connection: Connection, *, limit: int) -> list[Configuration]:
    """Return what was applied, the newest first."""
    return list(map(_configuration, connection.rows(_SELECT + "ORDER BY number DESC LIMIT ?", limit)))


def between(connection: Connection, since: datetime, until: datetime, *, limit: int) -> list[Configuration]:
    """Return the newest that were applied in a time, oldest first, after the one before them, which they changed."""
    rows = connection.rows(
        f"""
        SELECT * FROM (
            {_SELECT} WHERE applied_at < ?2
              AND number >= coalesce((SELECT max(number) FROM configurations WHERE applied_at < ?1), 0)
            ORDER BY number DESC LIMIT ?3
        ) ORDER BY number
        """,  # noqa: S608  our own words
        clock.to_sql(since),
        clock.to_sql(until),
        limit + 1,
    )
    return list(map(_configuration, rows))


def _configuration(row: tuple[apsw.SQLiteValue, ...]) -> Configuration:
    return Configuration(
        number=integer(row[0]),
        applied_at=time(row[1]),
        author=text(row[2]),
        cause=ConfigurationCause(text(row[3])),
        source=text(row[4]),
        content=text(row[5]),
    )
