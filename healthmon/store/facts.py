"""Small facts of the installation that processes tell each other, one value a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import time

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection

ENGINE_RETURNED_AT = "engine_returned_at"


def note_time(connection: Connection, name: str, at: datetime) -> None:
    """Remember a moment."""
    connection.change("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, clock.to_sql(at))


def noted_time(connection: Connection, name: str) -> datetime | None:
    """Return the moment that was remembered, or None."""
    found = connection.row("SELECT value FROM facts WHERE name = ?", name)
    return None if found is None else time(found[0])
