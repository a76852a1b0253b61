"""Which services does the evaluator want looked at more often than scheduled?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, real, time

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


def ask(connection: Connection, service_id: int, *, every_s: float, until: datetime) -> None:
    """Ask for a look at a service now and every `every_s` seconds until `until`; replaces an earlier request."""
    connection.change(
        """
        INSERT INTO probe_requests (service_id, every_s, until) VALUES (?, ?, ?)
        ON CONFLICT (service_id) DO UPDATE SET every_s = excluded.every_s, until = excluded.until
        """,
        service_id,
        every_s,
        clock.to_sql(until),
    )


def withdraw(connection: Connection, service_id: int) -> None:
    """Take a request back: it was answered."""
    connection.change("DELETE FROM probe_requests WHERE service_id = ?", service_id)


def standing(connection: Connection, *, now: datetime) -> dict[int, float]:
    """Return the services that are to be looked at more often, with the seconds between two looks."""
    rows = connection.rows("SELECT service_id, every_s FROM probe_requests WHERE until > ?", clock.to_sql(now))
    return {integer(row[0]): real(row[1]) for row in rows}


def asked_until(connection: Connection, service_id: int) -> datetime | None:
    """Return until when looks at a service are asked for, or None."""
    found = connection.row("SELECT until FROM probe_requests WHERE service_id = ?", service_id)
    return None if found is None else time(found[0])
