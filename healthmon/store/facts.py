"""Small facts of the installation that processes tell each other, one value a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import text, time

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.store.connection import Connection

ENGINE_RETURNED_AT = "engine_returned_at"
DEPENDENCIES_CHANGED_AT = "dependencies_changed_at"  # when the healer last wrote what containers depend on
HEALING_HELD_SINCE = "healing_held_since"  # when the evaluator started, or lost count of the time
CLOCK_SET_AT = "clock_set_at"  # when the wall clock was last found to be set; at first, when we first looked at it
RELIVED_UNTIL = "relived_until"  # until then, history may hold rows that a clock which was ahead has left
NOBODY_REACHED = "nobody_reached"  # why no channel delivers, empty when one does
CONFIGURATION_REFUSED = "configuration_refused"  # JSON of who tried to apply which, when and why not; empty when the last one was applied
HOST_PRESSURE = "host_pressure"  # when the watchdog last looked, and of what the host is short
CLOCK = "clock"  # the boot, and how far the wall clock was ahead of its boottime, for who starts later


def note(connection: Connection, name: str, value: str) -> None:
    """Remember a text."""
    connection.change("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, value)


def noted(connection: Connection, name: str) -> str | None:
    """Return the text that was remembered, or None."""
    found = connection.row("SELECT value FROM facts WHERE name = ?", name)
    return None if found is None else text(found[0])


def note_time(connection: Connection, name: str, at: datetime) -> None:
    """Remember a moment."""
    note(connection, name, clock.to_sql(at))


def noted_time(connection: Connection, name: str) -> datetime | None:
    """Return the moment that was remembered, or None."""
    found = noted(connection, name)
    return None if found is None else time(found)


def note_pressure(connection: Connection, what: str, at: datetime) -> None:
    """Remember of what the host is short."""
    note(connection, HOST_PRESSURE, f"{clock.to_sql(at)}|{what}")


def noted_pressure(connection: Connection, *, now: datetime, believed: timedelta) -> str:
    """Return of what the host is short; nothing when that was said too long ago, or in another time."""
    at, _, what = (noted(connection, HOST_PRESSURE) or "").partition("|")
    return what if at and abs(now - clock.from_sql(at)) <= believed else ""
