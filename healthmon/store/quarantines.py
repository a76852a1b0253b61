"""Where is it kept what healing has given up on? One row a service: its last quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.quarantine import Quarantine, Rearm
from healthmon.model.target import Incarnation
from healthmon.store.row import integer, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


def begin(connection: Connection, held: Quarantine) -> None:
    """Keep a new quarantine, in the place of an earlier one of its service."""
    run = held.incarnation
    connection.change(
        """
        INSERT OR REPLACE INTO quarantines (service_id, since, last_heal_id, target_id, started, image_id, config_hash)
        VALUES (?, ?, (SELECT coalesce(max(heal_id), 0) FROM heals), ?, ?, ?, ?)
        """,
        held.service_id,
        clock.to_sql(held.since),
        None if run is None else run.target_id,
        None if run is None else run.started,
        held.image_id,
        held.config_hash,
    )


def outlive(connection: Connection, service_id: int) -> None:
    """Forget a quarantine that lasts of a service that is restarted again, for another outage or failure: what ran then runs no more."""
    connection.change("DELETE FROM quarantines WHERE service_id = ? AND rearmed_by IS NULL", service_id)


def await_dependency(connection: Connection, service_id: int) -> None:
    """Remember that something the service depends on is ill: when it is not any more, the quarantine is over."""
    connection.change("UPDATE quarantines SET awaits_dependency = 1 WHERE service_id = ? AND awaits_dependency = 0", service_id)


def rearm(connection: Connection, service_id: int, why: Rearm, *, at: datetime) -> bool:
    """End the quarantine of a service; return whether it was in one. What was made until now is not held against it."""
    hit = connection.change(
        """
        UPDATE quarantines SET rearmed_by = ?, rearmed_at = ?, last_heal_id = (SELECT coalesce(max(heal_id), 0) FROM heals)
        WHERE service_id = ? AND rearmed_by IS NULL
        """,
        why.value,
        clock.to_sql(at),
        service_id,
    )
    return hit == 1


def of_service(connection: Connection, service_id: int) -> Quarantine | None:
    """Return the last quarantine of a service, over or not."""
    row = connection.row(
        """
        SELECT service_id, since, last_heal_id, target_id, started, image_id, config_hash, awaits_dependency, rearmed_by, rearmed_at
        FROM quarantines WHERE service_id = ?
        """,
        service_id,
    )
    if row is None:
        return None
    target_id, started, rearmed_by = text_or_none(row[3]), text_or_none(row[4]), text_or_none(row[8])
    return Quarantine(
        service_id=integer(row[0]),
        since=time(row[1]),
        last_heal_id=integer(row[2]),
        incarnation=None if target_id is None or started is None else Incarnation(target_id=target_id, started=started),
        image_id=text(row[5]),
        config_hash=text(row[6]),
        awaits_dependency=bool(row[7]),
        rearmed_by=None if rearmed_by is None else Rearm(rearmed_by),
        rearmed_at=time_or_none(row[9]),
    )
