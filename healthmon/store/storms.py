"""Where are storms kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.storm import Storm
from healthmon.store.row import integer, sql_time, time, time_or_none

if TYPE_CHECKING:
    from healthmon.store.connection import Connection


def begin(connection: Connection, storm: Storm) -> int:
    """Write a new storm and return its id. The database refuses a second one at a time."""
    rows = connection.rows(
        "INSERT INTO storms (began_at, ill, watched) VALUES (?, ?, ?) RETURNING storm_id",
        clock.to_sql(storm.began_at),
        storm.ill,
        storm.watched,
    )
    return integer(rows[0][0])


def save(connection: Connection, storm: Storm) -> None:
    """Write what a storm has become."""
    connection.change(
        "UPDATE storms SET ill = ?, watched = ?, calm_since = ?, ended_at = ? WHERE storm_id = ?",
        storm.ill,
        storm.watched,
        sql_time(storm.calm_since),
        sql_time(storm.ended_at),
        storm.storm_id,
    )


def open_one(connection: Connection) -> Storm | None:
    """Return the storm that is not over, or None."""
    row = connection.row("SELECT storm_id, began_at, ill, watched, calm_since FROM storms WHERE ended_at IS NULL")
    if row is None:
        return None
    return Storm(
        storm_id=integer(row[0]),
        began_at=time(row[1]),
        ill=integer(row[2]),
        watched=integer(row[3]),
        calm_since=time_or_none(row[4]),
    )
