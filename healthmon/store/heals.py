"""The write-ahead ledger of restarts. Every move is `UPDATE … WHERE state = <the old one>` and must hit one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import StoreError
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.target import Incarnation
from healthmon.store.row import integer, integer_or_none, sql_time, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection

_SELECT = """
    SELECT heal_id, service_id, incident_id, attempt, action, state, target_id, started, target_name, stop_timeout_s,
           planned_at, issued_at, returned_at, closed_at, new_target_id, new_started, detail, asked_by, why, forced,
           signature, failure, needless, follows
    FROM heals
"""


def add(connection: Connection, heal: Heal) -> int:
    """Write a new row and return its id. The database refuses a second open heal of the same service."""
    rows = connection.rows(
        """
        INSERT INTO heals (service_id, incident_id, attempt, action, state, target_id, started, target_name,
                           stop_timeout_s, planned_at, issued_at, closed_at, detail, asked_by, why, forced, signature, failure,
                           follows)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING heal_id
        """,
        heal.service_id,
        heal.incident_id,
        heal.attempt,
        heal.action.value,
        heal.state.value,
        heal.incarnation.target_id,
        heal.incarnation.started,
        heal.target_name,
        heal.stop_timeout_s,
        clock.to_sql(heal.planned_at),
        sql_time(heal.issued_at),
        sql_time(heal.closed_at),
        heal.detail,
        heal.asked_by,
        heal.why,
        int(heal.forced),
        heal.signature,
        heal.failure,
        heal.follows,
    )
    return integer(rows[0][0])


def issue(connection: Connection, heal_id: int, *, at: datetime) -> bool:
    """Charge the attempt: committed before the call is made. Return whether it was ours to issue."""
    hit = connection.change(
        "UPDATE heals SET state = 'issued', issued_at = ? WHERE heal_id = ? AND state = 'planned'",
        clock.to_sql(at),
        heal_id,
    )
    return hit == 1


def mark_returned(connection: Connection, heal_id: int, *, at: datetime, new: Incarnation, detail: str) -> bool:
    """Record that the restart happened, and into which incarnation."""
    hit = connection.change(
        """
        UPDATE heals SET state = 'returned', returned_at = ?, new_target_id = ?, new_started = ?, detail = ?
        WHERE heal_id = ? AND state = 'issued'
        """,
        clock.to_sql(at),
        new.target_id,
        new.started,
        detail,
        heal_id,
    )
    return hit == 1


def close(connection: Connection, heal: Heal, state: HealState, *, at: datetime, detail: str) -> bool:
    """End a heal in `state`. Return whether it was still where `heal` says."""
    hit = connection.change(
        "UPDATE heals SET state = ?, closed_at = ?, detail = ? WHERE heal_id = ? AND state = ?",
        state.value,
        clock.to_sql(at),
        detail,
        heal.heal_id,
        heal.state.value,
    )
    return hit == 1


def open_heals(connection: Connection) -> list[Heal]:
    """Return the heals that are not over, oldest first."""
    found = [_heal(row) for row in connection.rows(_SELECT + "WHERE closed_at IS NULL")]
    return sorted(found, key=lambda heal: heal.heal_id)  # ORDER BY would scan the whole ledger instead of its open rows


def since(connection: Connection, at: datetime) -> list[Heal]:
    """Return the heals planned at `at` or later, oldest first."""
    return [
        _heal(row) for row in connection.rows(_SELECT + "WHERE planned_at >= ? ORDER BY planned_at, heal_id", clock.to_sql(at))
    ]


def recent(connection: Connection, *, limit: int) -> list[Heal]:
    """Return the newest heals, newest first."""
    return [_heal(row) for row in connection.rows(_SELECT + "ORDER BY heal_id DESC LIMIT ?", limit)]


def page(connection: Connection, *, before: int | None, limit: int, service_id: int | None, incident_id: int | None) -> list[Heal]:
    """Return the newest heals older than the one with the id `before`, newest first; None asks for all."""
    rows = connection.rows(
        _SELECT
        + """
        WHERE (?1 IS NULL OR heal_id < ?1) AND (?2 IS NULL OR service_id = ?2) AND (?3 IS NULL OR incident_id = ?3)
        ORDER BY heal_id DESC LIMIT ?4
        """,
        before,
        service_id,
        incident_id,
        limit,
    )
    return list(map(_heal, rows))


def _heal(row: tuple[apsw.SQLiteValue, ...]) -> Heal:
    new_target_id, new_started = text_or_none(row[14]), text_or_none(row[15])
    new = None
    if new_target_id is not None and new_started is not None:
        new = Incarnation(target_id=new_target_id, started=new_started)
    return Heal(
        heal_id=integer(row[0]),
        service_id=integer(row[1]),
        incident_id=integer_or_none(row[2]),
        attempt=integer(row[3]),
        action=HealAction(text(row[4])),
        state=HealState(text(row[5])),
        incarnation=Incarnation(target_id=text(row[6]), started=text(row[7])),
        target_name=text(row[8]),
        stop_timeout_s=integer(row[9]),
        planned_at=time(row[10]),
        issued_at=time_or_none(row[11]),
        returned_at=time_or_none(row[12]),
        closed_at=time_or_none(row[13]),
        new_incarnation=new,
        detail=text(row[16]),
        asked_by=text_or_none(row[17]),
        why=text(row[18]),
        forced=bool(row[19]),
        signature=text(row[20]),
        failure=text(row[21]),
        needless=None if row[22] is None else bool(row[22]),
        follows=integer_or_none(row[23]),
    )


def of_incident(connection: Connection, incident_id: int) -> list[Heal]:
    """Return what was done about one incident, oldest first."""
    return [_heal(row) for row in connection.rows(_SELECT + "WHERE incident_id = ? ORDER BY heal_id", incident_id)]


def get(connection: Connection, heal_id: int) -> Heal:
    """Return one row of the ledger. Raises StoreError when there is none."""
    found = connection.row(_SELECT + "WHERE heal_id = ?", heal_id)
    if found is None:
        raise StoreError(f"there is no heal {heal_id} in {connection.path}")
    return _heal(found)


def of_episode(connection: Connection, incident: Incident) -> list[Heal]:
    """Return what was done about an incident and those before it in its episode, oldest first.

    The episode is known by its name, the text of its start, and not by comparing times: a clock may go back.
    """
    rows = connection.rows(
        _SELECT  # noqa: S608  both parts stand here
        + """
        WHERE incident_id IN (SELECT incident_id FROM incidents WHERE service_id = ? AND episode_started_at = ?)
        """,
        incident.service_id,
        clock.to_sql(incident.episode_started_at),
    )
    return sorted(map(_heal, rows), key=lambda heal: heal.heal_id)


def of_failure(connection: Connection, service_id: int, signature: str, *, after: int, since: datetime) -> list[Heal]:
    """Return what the policy did about one failure of a service, over all its incidents, oldest first: later than the heal `after`."""
    rows = connection.rows(
        _SELECT + "WHERE service_id = ? AND signature = ? AND heal_id > ? AND planned_at >= ? AND asked_by IS NULL",
        service_id,
        signature,
        after,
        clock.to_sql(since),
    )
    return sorted(map(_heal, rows), key=lambda heal: heal.heal_id)


def judge_need(connection: Connection, heal_id: int, *, needless: bool) -> None:
    """Remember whether a service would have recovered without this restart."""
    connection.change("UPDATE heals SET needless = ? WHERE heal_id = ?", int(needless), heal_id)


def of_target(connection: Connection, target_id: str, *, since: datetime) -> list[Heal]:
    """Return what was done to a target since `since`, for whichever service, oldest first."""
    rows = connection.rows(_SELECT + "WHERE planned_at >= ? AND target_id = ?", clock.to_sql(since), target_id)
    return sorted(map(_heal, rows), key=lambda heal: heal.heal_id)
