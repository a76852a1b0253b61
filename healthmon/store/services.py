"""Which services does the database know?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.memo import Memo
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
    wanted = list(wanted)
    known = by_name(connection)
    if {(one.name, one.group, one.critical) for one in known.values()} == set(wanted):
        return known
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


def ids(connection: Connection, wanted: Iterable[tuple[str, str, bool]]) -> dict[str, int]:
    """Return the ids of services (name, group, critical), also of those that the table does not hold, or no longer.

    What is new is entered as removed: `sync` alone, which the evaluator calls, says what is watched. So a process that
    comes first, or works with a configuration that is not the last any more, changes nothing that others see.
    """
    found = {name: service_id for service_id, name in connection.rows("SELECT service_id, service_name FROM services")}
    new = [one for one in wanted if one[0] not in found]
    if new:
        at = clock.to_sql(clock.now())
        with connection.transaction(durable=True):
            connection.change_many(
                """
                INSERT INTO services (service_name, group_name, critical, removed_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (service_name) DO NOTHING
                """,
                [(name, group, int(critical), at) for name, group, critical in new],
            )
        found = {name: service_id for service_id, name in connection.rows("SELECT service_id, service_name FROM services")}
    return {text(name): integer(service_id) for name, service_id in found.items()}


def by_name(connection: Connection, known: Memo[Service] | None = None) -> dict[str, Service]:
    """Return the services of the present configuration by their names. Who asks again and again lends a memo."""
    rows, read = connection.rows(_SELECT + "WHERE removed_at IS NULL ORDER BY service_id"), (known or Memo()).of
    return {service.name: service for service in (read(row[0], _service, row) for row in rows)}


def all_by_id(connection: Connection) -> dict[int, Service]:
    """Return every service by its id, also those that the present configuration has no more, as they last were."""
    return {service.service_id: service for service in map(_service, connection.rows(_SELECT))}


def _service(row: tuple[apsw.SQLiteValue, ...]) -> Service:
    return Service(service_id=integer(row[0]), name=text(row[1]), group=text(row[2]), critical=bool(row[3]))
