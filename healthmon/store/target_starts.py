"""How often was the target of a service started anew lately?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection

KEPT = timedelta(hours=6)


def note(connection: Connection, started: Mapping[int, datetime], *, now: datetime) -> None:
    """Remember starts, by service, and forget what is long over."""
    connection.change_many(
        "INSERT OR IGNORE INTO target_starts (service_id, started_at) VALUES (?, ?)",
        [(sid, clock.to_sql(at)) for sid, at in started.items()],
    )
    connection.change("DELETE FROM target_starts WHERE started_at < ?", clock.to_sql(now - KEPT))


def count(connection: Connection, service_id: int, *, since: datetime) -> int:
    found = connection.row(
        "SELECT count(*) FROM target_starts WHERE service_id = ? AND started_at >= ?", service_id, clock.to_sql(since)
    )
    return 0 if found is None else integer(found[0])
