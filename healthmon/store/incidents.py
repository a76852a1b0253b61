"""Where are outages kept?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.check import CheckReason
from healthmon.model.incident import Incident, IncidentResolution
from healthmon.store.row import integer, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    import apsw

    from healthmon.store.connection import Connection

_SELECT = """
    SELECT incident_id, service_id, started_at, detected_at, episode_started_at, reason, error_message,
           healing, quarantined_at, needs_person_at, resolved_at, resolution, healing_reason
    FROM incidents
"""


def open_incident(  # noqa: PLR0913  an incident is opened from just these facts
    connection: Connection,
    service_id: int,
    *,
    started_at: datetime,
    detected_at: datetime,
    episode_started_at: datetime,
    reason: CheckReason,
    error_message: str | None,
) -> Incident:
    """Open an incident. The database refuses a second open one of the same service."""
    rows = connection.rows(
        """
        INSERT INTO incidents (service_id, started_at, detected_at, episode_started_at, reason, error_message)
        VALUES (?, ?, ?, ?, ?, ?) RETURNING incident_id
        """,
        service_id,
        clock.to_sql(started_at),
        clock.to_sql(detected_at),
        clock.to_sql(episode_started_at),
        reason.value,
        error_message,
    )
    return Incident(
        incident_id=integer(rows[0][0]),
        service_id=service_id,
        started_at=started_at,
        detected_at=detected_at,
        episode_started_at=episode_started_at,
        reason=reason,
        error_message=error_message,
    )


def resolve(connection: Connection, incident_id: int, *, at: datetime, resolution: IncidentResolution) -> None:
    """Close an incident."""
    connection.change(
        "UPDATE incidents SET resolved_at = ?, resolution = ? WHERE incident_id = ? AND resolved_at IS NULL",
        clock.to_sql(at),
        resolution.value,
        incident_id,
    )


def quarantine(connection: Connection, incident_id: int, *, at: datetime) -> None:
    """Record that no further restart will be tried in this incident."""
    connection.change("UPDATE incidents SET quarantined_at = ? WHERE incident_id = ? AND quarantined_at IS NULL", clock.to_sql(at), incident_id)


def end_quarantine(connection: Connection, incident_id: int) -> None:
    """Record that restarts are tried again in this incident."""
    connection.change("UPDATE incidents SET quarantined_at = NULL WHERE incident_id = ?", incident_id)


def left_alone(connection: Connection, service_id: int, reason: CheckReason, *, limit: int) -> list[timedelta]:
    """Return how long the newest outages of a service of one kind took that ended without any restart of ours."""
    rows = connection.rows(
        """
        SELECT i.started_at, i.resolved_at FROM incidents AS i
        WHERE i.service_id = ? AND i.reason = ? AND i.resolution = 'recovered'
          AND NOT EXISTS (SELECT 1 FROM heals AS h WHERE h.incident_id = i.incident_id AND h.returned_at IS NOT NULL)
        ORDER BY i.incident_id DESC LIMIT ?
        """,
        service_id,
        reason.value,
        limit,
    )
    return [time(row[1]) - time(row[0]) for row in rows]


def call_person(connection: Connection, incident_id: int, *, at: datetime) -> None:
    """Record that a person must hear how an incident stands now."""
    connection.change("UPDATE incidents SET needs_person_at = ? WHERE incident_id = ?", clock.to_sql(at), incident_id)


def note_healing(connection: Connection, incident_id: int, healing: str, reason: str) -> None:
    """Remember what the healing policy says about an incident."""
    connection.change("UPDATE incidents SET healing = ?, healing_reason = ? WHERE incident_id = ?", healing, reason, incident_id)


def open_incidents(connection: Connection) -> list[Incident]:
    """Return the incidents that are not over, oldest first."""
    return [_incident(row) for row in connection.rows(_SELECT + "WHERE resolved_at IS NULL ORDER BY started_at")]


def latest_resolved(connection: Connection) -> dict[int, Incident]:
    """Return the last incident that is over of every service that had one."""
    rows = connection.rows(
        _SELECT  # noqa: S608  both parts stand here
        + """
        WHERE incident_id IN (SELECT max(incident_id) FROM incidents WHERE resolved_at IS NOT NULL GROUP BY service_id)
        """,
    )
    return {incident.service_id: incident for incident in map(_incident, rows)}


def recent(connection: Connection, *, limit: int) -> list[Incident]:
    """Return the newest incidents, newest first."""
    return [_incident(row) for row in connection.rows(_SELECT + "ORDER BY incident_id DESC LIMIT ?", limit)]


def page(connection: Connection, *, before: int | None, limit: int, service_id: int | None, is_open: bool | None) -> list[Incident]:
    """Return the newest incidents older than the one with the id `before`, newest first; None asks for all."""
    rows = connection.rows(
        _SELECT
        + """
        WHERE (?1 IS NULL OR incident_id < ?1) AND (?2 IS NULL OR service_id = ?2) AND (?3 IS NULL OR (resolved_at IS NULL) = ?3)
        ORDER BY incident_id DESC LIMIT ?4
        """,
        before,
        service_id,
        is_open,
        limit,
    )
    return list(map(_incident, rows))


def touching(connection: Connection, since: datetime) -> list[Incident]:
    """Return the incidents that lasted into the time from `since` on, oldest first."""
    rows = connection.rows(_SELECT + "WHERE resolved_at IS NULL OR resolved_at >= ? ORDER BY incident_id", clock.to_sql(since))
    return list(map(_incident, rows))


def of_ids(connection: Connection, ids: Iterable[int]) -> list[Incident]:
    """Return these incidents, as far as they are there."""
    rows = connection.rows(_SELECT + "WHERE incident_id IN (SELECT value FROM json_each(?)) ORDER BY incident_id", json.dumps(list(ids)))  # noqa: S608  our text
    return list(map(_incident, rows))


def _incident(row: tuple[apsw.SQLiteValue, ...]) -> Incident:
    resolution = text_or_none(row[11])
    return Incident(
        incident_id=integer(row[0]),
        service_id=integer(row[1]),
        started_at=time(row[2]),
        detected_at=time(row[3]),
        episode_started_at=time(row[4]),
        reason=CheckReason(text(row[5])),
        error_message=text_or_none(row[6]),
        healing=text_or_none(row[7]),
        healing_reason=text_or_none(row[12]),
        quarantined_at=time_or_none(row[8]),
        needs_person_at=time_or_none(row[9]),
        resolved_at=time_or_none(row[10]),
        resolution=None if resolution is None else IncidentResolution(resolution),
    )
