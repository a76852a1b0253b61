"""Where is it kept which services people work on?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.maintenance import Maintenance
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

_SELECT = "SELECT maintenance_id, services, starts_at, ends_at, author, reason FROM maintenances "


def add(connection: Connection, maintenance: Maintenance) -> int:
    """Enter it and return its id."""
    rows = connection.rows(
        "INSERT INTO maintenances (services, starts_at, ends_at, author, reason) VALUES (?, ?, ?, ?, ?) RETURNING maintenance_id",
        json.dumps(maintenance.services, ensure_ascii=False),
        clock.to_sql(maintenance.starts_at),
        clock.to_sql(maintenance.ends_at),
        maintenance.author,
        maintenance.reason,
    )
    return integer(rows[0][0])


def end(connection: Connection, maintenance_id: int, *, at: datetime) -> bool:
    """End it before its time. Return whether it was there and not over."""
    hit = connection.change(
        "UPDATE maintenances SET ends_at = ?1 WHERE maintenance_id = ?2 AND ends_at > ?1",
        clock.to_sql(at),
        maintenance_id,
    )
    return hit == 1


def not_over(connection: Connection, *, at: datetime) -> list[Maintenance]:
    """Return what was not over at that time, oldest first."""
    return list(map(_maintenance, connection.rows(_SELECT + "WHERE ends_at > ? ORDER BY maintenance_id", clock.to_sql(at))))


def _maintenance(row: tuple[apsw.SQLiteValue, ...]) -> Maintenance:
    return Maintenance(
        maintenance_id=integer(row[0]),
        services=tuple(json.loads(text(row[1]))),
        starts_at=time(row[2]),
        ends_at=time(row[3]),
        author=text(row[4]),
        reason=text(row[5]),
    )
