"""Where is it kept what a container said when its service fell ill?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.forensics import Forensics
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


def wanted(connection: Connection, *, since: datetime) -> list[tuple[int, str]]:
    """Return incident and container of each open incident, detected since, of which nothing is kept yet."""
    rows = connection.rows(
        """
        SELECT i.incident_id, t.target_id
        FROM incidents AS i
        JOIN targets AS t ON t.service_id = i.service_id AND t.kind = 'docker'
        LEFT JOIN forensics AS f ON f.incident_id = i.incident_id
        WHERE i.resolved_at IS NULL AND i.detected_at >= ? AND f.incident_id IS NULL
        ORDER BY i.incident_id
        """,
        clock.to_sql(since),
    )
    return [(integer(row[0]), text(row[1])) for row in rows]


def keep(connection: Connection, found: Forensics) -> None:
    """Keep what was found of one incident. The first is kept: a later one would speak of another run."""
    connection.change(
        "INSERT OR IGNORE INTO forensics (incident_id, taken_at, target_id, last_lines) VALUES (?, ?, ?, ?)",
        found.incident_id,
        clock.to_sql(found.taken_at),
        found.target_id,
        json.dumps(found.last_lines, ensure_ascii=False),
    )


def of_incident(connection: Connection, incident_id: int) -> Forensics | None:
    row = connection.row("SELECT incident_id, taken_at, target_id, last_lines FROM forensics WHERE incident_id = ?", incident_id)
    if row is None:
        return None
    return Forensics(
        incident_id=integer(row[0]),
        taken_at=time(row[1]),
        target_id=text(row[2]),
        last_lines=tuple(json.loads(text(row[3]))),
    )
