"""Where is it kept how an ill service and its container looked before a restart erased it?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.forensics import Forensics, ForensicsMoment, Part
from healthmon.model.target import Incarnation
from healthmon.store.row import integer, integer_or_none, real, text, time

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

KEPT = timedelta(days=30)
KEPT_OF_A_SERVICE = 20

_SELECT = """
    SELECT forensics_id, service_id, incident_id, heal_id, moment, taken_at, took_s, target_id, started, last_lines, parts
    FROM forensics
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be kept, and of which run: the container may be another by then."""

    service_id: int
    incident_id: int | None
    heal_id: int | None
    moment: ForensicsMoment
    incarnation: Incarnation


def wanted(connection: Connection, *, since: datetime) -> list[Wanted]:
    """Return what nobody has kept yet of open incidents, and of restarts that failed, since `since`."""
    rows = connection.rows(
        """
        SELECT i.service_id, i.incident_id, NULL, 'detected', t.target_id, t.started
        FROM incidents AS i
        JOIN targets AS t ON t.service_id = i.service_id AND t.kind = 'docker'
        LEFT JOIN forensics AS f ON f.incident_id = i.incident_id
        WHERE i.resolved_at IS NULL AND i.detected_at >= ?1 AND f.forensics_id IS NULL
        UNION ALL
        SELECT h.service_id, h.incident_id, h.heal_id, 'after_failure', coalesce(h.new_target_id, h.target_id), coalesce(h.new_started, h.started)
        FROM heals AS h
        LEFT JOIN forensics AS f ON f.heal_id = h.heal_id AND f.moment = 'after_failure'
        WHERE h.planned_at >= ?2 AND h.state = 'failed' AND h.closed_at >= ?1 AND f.forensics_id IS NULL AND h.target_id NOT LIKE 'supervisor:%'
        """,
        clock.to_sql(since),
        clock.to_sql(since - timedelta(days=1)),  # the longest that one takes; the index is on this time
    )
    return [
        Wanted(
            service_id=integer(row[0]),
            incident_id=integer_or_none(row[1]),
            heal_id=integer_or_none(row[2]),
            moment=ForensicsMoment(text(row[3])),
            incarnation=Incarnation(target_id=text(row[4]), started=text(row[5])),
        )
        for row in rows
    ]


def keep(connection: Connection, found: Forensics) -> None:
    """Keep what was found, the first of a moment; forget what is old, and of this service more than the newest twenty."""
    parts = [{"name": one.name, "lines": one.lines, "problem": one.problem} for one in found.parts]
    connection.change(
        """
        INSERT OR IGNORE INTO forensics
            (service_id, incident_id, heal_id, moment, taken_at, took_s, target_id, started, last_lines, parts)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        found.service_id,
        found.incident_id,
        found.heal_id,
        found.moment.value,
        clock.to_sql(found.taken_at),
        found.took_s,
        found.incarnation.target_id,
        found.incarnation.started,
        json.dumps(found.last_lines, ensure_ascii=False),
        json.dumps(parts, ensure_ascii=False),
    )
    _forget(connection, found.service_id, found.taken_at)


def _forget(connection: Connection, service_id: int, now: datetime) -> None:
    connection.change("DELETE FROM forensics WHERE taken_at < ?", clock.to_sql(now - KEPT))
    connection.change(
        """
        DELETE FROM forensics WHERE service_id = ?1 AND forensics_id NOT IN
            (SELECT forensics_id FROM forensics WHERE service_id = ?1 ORDER BY forensics_id DESC LIMIT ?2)
        """,
        service_id,
        KEPT_OF_A_SERVICE,
    )


def last_lines(connection: Connection, incident_id: int) -> tuple[str, ...]:
    """Return what the container said last when an incident was opened: a later one would speak of another run."""
    row = connection.row(
        "SELECT last_lines FROM forensics WHERE incident_id = ? ORDER BY forensics_id LIMIT 1",
        incident_id,
    )
    return () if row is None else tuple(json.loads(text(row[0])))


def newest_of_run(connection: Connection, service_id: int, run: Incarnation) -> datetime | None:
    """Return when something was last kept of this run of a service's container; None when nothing was."""
    row = connection.row(
        "SELECT max(taken_at) FROM forensics WHERE service_id = ? AND target_id = ? AND started = ?",
        service_id,
        run.target_id,
        run.started,
    )
    return None if row is None or row[0] is None else time(row[0])


def of_incident(connection: Connection, incident_id: int) -> list[Forensics]:
    """Return all that was kept of one incident, oldest first."""
    return [_forensics(row) for row in connection.rows(_SELECT + "WHERE incident_id = ? ORDER BY forensics_id", incident_id)]


def of_heal(connection: Connection, heal_id: int) -> list[Forensics]:
    """Return what was kept before and after one restart."""
    return [_forensics(row) for row in connection.rows(_SELECT + "WHERE heal_id = ? ORDER BY forensics_id", heal_id)]


def _forensics(row: tuple[apsw.SQLiteValue, ...]) -> Forensics:
    return Forensics(
        forensics_id=integer(row[0]),
        service_id=integer(row[1]),
        incident_id=integer_or_none(row[2]),
        heal_id=integer_or_none(row[3]),
        moment=ForensicsMoment(text(row[4])),
        taken_at=time(row[5]),
        took_s=real(row[6]),
        incarnation=Incarnation(target_id=text(row[7]), started=text(row[8])),
        last_lines=tuple(json.loads(text(row[9]))),
        parts=tuple(Part(name=one["name"], lines=tuple(one["lines"]), problem=one["problem"]) for one in json.loads(text(row[10]))),
    )
