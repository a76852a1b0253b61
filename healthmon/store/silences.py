"""Where are silences kept?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.silence import Silence
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

_SELECT = "SELECT silence_id, matchers, starts_at, ends_at, author, reason FROM silences "


def add(connection: Connection, silence: Silence) -> int:
    """Enter a silence and return its id."""
    rows = connection.rows(
        "INSERT INTO silences (matchers, starts_at, ends_at, author, reason) VALUES (?, ?, ?, ?, ?) RETURNING silence_id",
        json.dumps(silence.matchers, ensure_ascii=False),
        clock.to_sql(silence.starts_at),
        clock.to_sql(silence.ends_at),
        silence.author,
        silence.reason,
    )
    return integer(rows[0][0])


def end(connection: Connection, silence_id: int, *, at: datetime) -> bool:
    """End a silence before its time. Return whether it was there and not over."""
    hit = connection.change(
        "UPDATE silences SET ends_at = ?1 WHERE silence_id = ?2 AND ends_at > ?1",
        clock.to_sql(at),
        silence_id,
    )
    return hit == 1


def not_over(connection: Connection, *, now: datetime) -> list[Silence]:
    """Return the silences that hold now, or will."""
    return list(map(_silence, connection.rows(_SELECT + "WHERE ends_at > ? ORDER BY silence_id", clock.to_sql(now))))


def _silence(row: tuple[apsw.SQLiteValue, ...]) -> Silence:
    return Silence(
        silence_id=integer(row[0]),
        matchers=tuple(json.loads(text(row[1]))),
        starts_at=time(row[2]),
        ends_at=time(row[3]),
        author=text(row[4]),
        reason=text(row[5]),
    )
