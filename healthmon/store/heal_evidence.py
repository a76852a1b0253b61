"""Where is it found which checks a restart rested on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.check import CheckStatus
from healthmon.model.heal_evidence import HealEvidence
from healthmon.store.check_rows import STATUS_NUMBERS
from healthmon.store.row import integer, sql_time, text_or_none, time_or_none

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.heal import Heal
    from healthmon.store.connection import Connection


def of_heal(connection: Connection, heal: Heal) -> HealEvidence:
    """Return what a restart rested on. Checks that are not kept any more are not counted."""
    since = _since(connection, heal)
    row = connection.row(
        """
        SELECT count(*), min(timestamp), max(timestamp) FROM checks
        WHERE timestamp BETWEEN ? AND ? AND service_id = ? AND status = ?
        """,
        since,
        clock.to_sql(heal.planned_at),
        heal.service_id,
        STATUS_NUMBERS[CheckStatus.UNHEALTHY],
    )
    failures, first_at, last_at = row or (0, None, None)
    return HealEvidence(
        failures=integer(failures),
        first_at=time_or_none(first_at),
        last_at=time_or_none(last_at),
        error=_error(connection, heal, text_or_none(last_at)),
        good_before_at=_good_before(connection, heal, text_or_none(last_at)),
    )


def _since(connection: Connection, heal: Heal) -> str:
    """Return from when on checks speak of the run that was restarted. An incident may go over several."""
    row = connection.row(
        """
        SELECT max(at) FROM (
            SELECT started_at AS at FROM incidents WHERE incident_id = ?1
            UNION ALL
            SELECT coalesce(returned_at, issued_at) FROM heals WHERE incident_id = ?1 AND heal_id < ?2 AND state != 'would_restart'
        )
        """,
        heal.incident_id,
        heal.heal_id,
    )
    found = None if row is None else text_or_none(row[0])
    return found or clock.to_sql(heal.planned_at)


def _error(connection: Connection, heal: Heal, last_at: str | None) -> str:
    row = connection.row(
        "SELECT coalesce(error_message, reason) FROM checks WHERE timestamp = ? AND service_id = ? ORDER BY sequence DESC LIMIT 1",
        last_at,
        heal.service_id,
    )
    return "" if row is None else text_or_none(row[0]) or ""


def _good_before(connection: Connection, heal: Heal, last_at: str | None) -> datetime | None:
    if last_at is None or heal.asked_by is not None:
        return None
    row = connection.row(
        "SELECT min(timestamp) FROM checks WHERE timestamp > ? AND timestamp < ? AND service_id = ? AND status = ?",
        last_at,
        sql_time(heal.issued_at),
        heal.service_id,
        STATUS_NUMBERS[CheckStatus.HEALTHY],
    )
    return None if row is None else time_or_none(row[0])
