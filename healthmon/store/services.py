"""Which services does the database know?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.service import Service
from healthmon.store.row import integer, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

_SELECT = "SELECT service_id, service_name, group_name, critical FROM services "


def sync(connection: Connection, wanted: Iterable[tuple[str, str, bool]], *, now: datetime) -> dict[str, Service]:
    """Make the table hold exactly `wanted` (name, group, critical); what is no longer wanted keeps its history."""
    with connection.transaction(durable=True):
        connection.change("UPDATE services SET removed_at = ? WHERE removed_at IS NULL", clock.to_sql(now))
        connection.change_many(
            """
            INSERT INTO services (service_name, group_name, critical) VALUES (?, ?, ?)
            ON CONFLICT (service_name) DO UPDATE
            SET group_name = excluded.group_name, critical = excluded.critical, removed_at = NULL
            """,
            [(name, group, int(critical)) for name, group, critical in wanted],
        )
    return by_name(connection)


def add_missing(connection: Connection, wanted: Iterable[tuple[str, str, bool]]) -> dict[str, Service]:
    """Enter those of `wanted` (name, group, critical) that the table does not hold, or no longer; leave all others alone.

    Return the services by their names.
    """
    with connection.transaction(durable=True):
        connection.change_many(
            """
            INSERT INTO services (service_name, group_name, critical) VALUES (?, ?, ?)
            ON CONFLICT (service_name) DO UPDATE
            SET group_name = excluded.group_name, critical = excluded.critical, removed_at = NULL
            WHERE removed_at IS NOT NULL
            """,
            [(name, group, int(critical)) for name, group, critical in wanted],
        )
    return by_name(connection)


def by_name(connection: Connection) -> dict[str, Service]:
    """Return the services of the present configuration by their names."""
    rows = connection.rows(_SELECT + "WHERE removed_at IS NULL ORDER BY service_id")
    return {service.name: service for service in map(_service, rows)}


def all_by_id(connection: Connection) -> dict[int, Service]:
    """Return every service by its id, also those that the present configuration has no more, as they last were."""
    return {service.service_id: service for service in map(_service, connection.rows(_SELECT))}


def _service(row: tuple[apsw.SQLiteValue, ...]) -> Service:
    return Service(service_id=integer(row[0]), name=text(row[1]), group=text(row[2]), critical=bool(row[3]))
