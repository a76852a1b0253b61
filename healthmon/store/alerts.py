"""Where are alerts kept? The document's `alerts` is a view on this table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.alert import Alert, AlertSeverity, AlertStatus
from healthmon.store.row import integer, integer_or_none, sql_time, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection


def fire(connection: Connection, alert: Alert) -> bool:
    """Open an alert unless one of its type is firing for its service. Return whether it is new."""
    hit = connection.change(
        """
        INSERT INTO alert_log (service_id, alert_type, severity, message, started_at, triggered_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?5
        WHERE NOT EXISTS (SELECT 1 FROM alert_log WHERE service_id IS ?1 AND alert_type = ?2 AND resolved_at IS NULL)
        """,
        alert.service_id,
        alert.alert_type,
        alert.severity.value,
        alert.message,
        clock.to_sql(alert.triggered_at),
    )
    return hit == 1


def add(connection: Connection, alert: Alert) -> int:
    """Enter an alert and return its id. The database refuses a second of its type that fires for its service."""
    rows = connection.rows(
        """
        INSERT INTO alert_log (service_id, alert_type, severity, message, started_at, triggered_at, resolved_at, explanation)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING alert_id
        """,
        alert.service_id,
        alert.alert_type,
        alert.severity.value,
        alert.message,
        clock.to_sql(alert.started_at or alert.triggered_at),
        clock.to_sql(alert.triggered_at),
        sql_time(alert.resolved_at),
        json.dumps(alert.values, ensure_ascii=False) if alert.values else None,
    )
    return integer(rows[0][0])


_SELECT = """
    SELECT service_id, alert_type, severity, message, triggered_at, explanation, alert_id, resolved_at, started_at, removed
    FROM alert_log
"""


def firing(connection: Connection) -> list[Alert]:
    """Return the alerts that fire, the oldest first."""
    return list(map(_alert, connection.rows(_SELECT + "WHERE resolved_at IS NULL ORDER BY alert_id")))


def by_id(connection: Connection, alert_id: int) -> Alert | None:
    """Return one alert, if it is still kept."""
    row = connection.row(_SELECT + "WHERE alert_id = ?", alert_id)
    return None if row is None else _alert(row)


def hold_back(connection: Connection, alert_id: int) -> None:
    """Remember that people are still to be told of an event; belongs into the transaction that enters it."""
    connection.change("INSERT INTO untold_events (alert_id) VALUES (?)", alert_id)


def untold_events(connection: Connection) -> list[Alert]:
    """Return the events of services that people are still to be told of, the oldest first."""
    rows = connection.rows(_SELECT + "WHERE alert_id IN (SELECT alert_id FROM untold_events) AND service_id IS NOT NULL ORDER BY alert_id")  # noqa: S608  words of this file
    return list(map(_alert, rows))


def untold_of_ourselves(connection: Connection) -> list[tuple[Alert, bool]]:
    """Return what is about ourselves and people are still to be told of, the oldest first, and of each whether they know of its beginning."""
    rows = connection.rows(
        """
        SELECT a.service_id, a.alert_type, a.severity, a.message, a.triggered_at, a.explanation, a.alert_id, a.resolved_at,
               a.started_at, a.removed, u.is_end
        FROM untold_events AS u JOIN alert_log AS a ON a.alert_id = u.alert_id WHERE a.service_id IS NULL ORDER BY a.alert_id
        """,
    )
    return [(_alert(row[:10]), bool(row[10])) for row in rows]


def types_of_ourselves(connection: Connection) -> set[str]:
    """Return the types of the alerts that there were about ourselves."""
    return {text(row[0]) for row in connection.rows("SELECT DISTINCT alert_type FROM alert_log WHERE service_id IS NULL")}


def forget_untold(connection: Connection, alert_ids: Iterable[int]) -> None:
    """Remember no more that people are to be told of these; belongs into the transaction that queues it."""
    connection.change_many("DELETE FROM untold_events WHERE alert_id = ?", [(one,) for one in alert_ids])


def standing(connection: Connection, *, resolved_since: datetime) -> list[Alert]:
    """Return the alerts that fire, and those that ended after `resolved_since`, the oldest first."""
    rows = connection.rows(
        _SELECT + "WHERE resolved_at IS NULL OR resolved_at > ? ORDER BY alert_id",
        clock.to_sql(resolved_since),
    )
    return list(map(_alert, rows))


def page(connection: Connection, *, before: int | None, limit: int, service_id: int | None, status: AlertStatus | None) -> list[Alert]:
    """Return the newest alerts older than the one with the id `before`, newest first; None asks for all."""
    rows = connection.rows(
        _SELECT
        + """
        WHERE (?1 IS NULL OR alert_id < ?1) AND (?2 IS NULL OR service_id = ?2)
          AND (?3 IS NULL OR ?3 = CASE WHEN resolved_at IS NULL THEN 'firing' WHEN removed THEN 'removed' ELSE 'resolved' END)
        ORDER BY alert_id DESC LIMIT ?4
        """,
        before,
        service_id,
        None if status is None else status.value,
        limit,
    )
    return list(map(_alert, rows))


def of_ids(connection: Connection, ids: Iterable[int]) -> list[Alert]:
    """Return these alerts, as far as they are there."""
    found = (connection.row(_SELECT + "WHERE alert_id = ?", one) for one in ids)
    return [_alert(row) for row in found if row is not None]


def _alert(row: tuple[apsw.SQLiteValue, ...]) -> Alert:
    explanation = text_or_none(row[5])
    return Alert(
        service_id=integer_or_none(row[0]),
        alert_type=text(row[1]),
        severity=AlertSeverity(text(row[2])),
        message=text(row[3]),
        triggered_at=time(row[4]),
        values=() if explanation is None else tuple((name, value) for name, value in json.loads(explanation)),
        alert_id=integer(row[6]),
        resolved_at=time_or_none(row[7]),
        started_at=time(row[8]),
        is_removed=bool(row[9]),
    )


def note_event(connection: Connection, alert: Alert, *, unless_since: datetime) -> bool:
    """Enter an alert that tells of a moment, and so is over at once. Return whether it is news.

    It is not when one of its type was entered after `unless_since`: a crash between telling and remembering that it was
    told must not have it told twice.
    """
    with connection.transaction(durable=True):
        hit = connection.change(
            """
            INSERT INTO alert_log (service_id, alert_type, severity, message, started_at, triggered_at, resolved_at)
            SELECT ?1, ?2, ?3, ?4, ?5, ?5, ?5
            WHERE NOT EXISTS (SELECT 1 FROM alert_log WHERE service_id IS ?1 AND alert_type = ?2 AND triggered_at > ?6)
            """,
            alert.service_id,
            alert.alert_type,
            alert.severity.value,
            alert.message,
            clock.to_sql(alert.triggered_at),
            clock.to_sql(unless_since),
        )
    return hit == 1


def resolve(connection: Connection, service_id: int | None, alert_type: str, *, at: datetime) -> None:
    """Close the firing alert of this type, if there is one."""
    connection.change(
        "UPDATE alert_log SET resolved_at = ? WHERE service_id IS ? AND alert_type = ? AND resolved_at IS NULL",
        clock.to_sql(at),
        service_id,
        alert_type,
    )


def remove(connection: Connection, service_id: int, alert_type: str, *, at: datetime) -> None:
    """Close the firing alert of this type, if there is one, whose rule or service is no more: it was not seen to end."""
    connection.change(
        "UPDATE alert_log SET resolved_at = ?, removed = 1 WHERE service_id = ? AND alert_type = ? AND resolved_at IS NULL",
        clock.to_sql(at),
        service_id or 0,
        alert_type,
    )
