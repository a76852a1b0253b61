"""Where does the healer say what containers use, for the rules that ask?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.usage import Usage
from healthmon.store.row import integer, real, real_or_none, time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection


def publish(connection: Connection, found: Mapping[int, Usage]) -> None:
    """Replace all that is known, by service."""
    connection.change("DELETE FROM container_usage")
    connection.change_many(
        "INSERT INTO container_usage (service_id, observed_at, memory_percent, cpu_percent) VALUES (?, ?, ?, ?)",
        [(sid, clock.to_sql(one.observed_at), one.memory_percent, one.cpu_percent) for sid, one in found.items()],
    )


def load(connection: Connection, *, since: datetime) -> dict[int, Usage]:
    """Return what was seen since, by service."""
    rows = connection.rows(
        "SELECT service_id, observed_at, memory_percent, cpu_percent FROM container_usage WHERE observed_at >= ?", clock.to_sql(since)
    )
    return {
        integer(row[0]): Usage(observed_at=time(row[1]), memory_percent=real(row[2]), cpu_percent=real_or_none(row[3])) for row in rows
    }
