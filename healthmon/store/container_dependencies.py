"""Where does the healer say what the containers of services depend on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.container_dependency import ContainerDependency
from healthmon.store import facts
from healthmon.store.row import integer, integer_or_none, sql_time, text, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.store.connection import Connection


def publish(connection: Connection, found: Iterable[ContainerDependency], *, now: datetime) -> None:
    """Replace all that is known, and leave word that there is news."""
    connection.change("DELETE FROM container_dependencies")
    connection.change_many(
        """
        INSERT INTO container_dependencies (service_id, name, container, watched_by, trouble, since)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [(one.service_id, one.name, one.container, one.watched_by, one.trouble, sql_time(one.since)) for one in found],
    )
    facts.note_time(connection, facts.DEPENDENCIES_CHANGED_AT, now)


def changed_at(connection: Connection) -> datetime | None:
    """Return when something was last published."""
    return facts.noted_time(connection, facts.DEPENDENCIES_CHANGED_AT)


def load(connection: Connection) -> list[ContainerDependency]:
    rows = connection.rows(
        "SELECT service_id, name, container, watched_by, trouble, since FROM container_dependencies ORDER BY service_id, name",
    )
    return [
        ContainerDependency(
            service_id=integer(row[0]),
            name=text(row[1]),
            container=text(row[2]),
            watched_by=integer_or_none(row[3]),
            trouble=text(row[4]),
            since=time_or_none(row[5]),
        )
        for row in rows
    ]
