"""What came of the outages and alerts of a time: when was each detected, acknowledged and repaired, and was it one?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.history import backtest
from healthmon.history.outcomes import Alarm, Outage, Told
from healthmon.store.row import integer, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.store.connection import Connection

_OVERLAPS = "c.opened_at <= coalesce(a.resolved_at, ?2) AND coalesce(c.closed_at, ?2) >= a.triggered_at"


def outages(connection: Connection, since: datetime, until: datetime) -> list[Outage]:
    """Return the outages that began in [since, until) and are over. One that was taken out of the configuration did not end."""
    rows = connection.rows(
        """
        SELECT service_id, started_at, detected_at, resolved_at FROM incidents
        WHERE started_at >= ? AND started_at < ? AND resolved_at IS NOT NULL AND resolution != 'removed' ORDER BY started_at
        """,
        clock.to_sql(since),
        clock.to_sql(until),
    )
    return [Outage(service_id=integer(row[0]), started_at=time(row[1]), detected_at=time(row[2]), resolved_at=time(row[3])) for row in rows]


def lasting(connection: Connection, since: datetime, until: datetime) -> list[backtest.Outage]:
    """Return the outages that began in [since, until), over or not."""
    rows = connection.rows(
        """
        SELECT incident_id, service_id, started_at, resolved_at FROM incidents WHERE started_at >= ? AND started_at < ? ORDER BY started_at
        """,
        clock.to_sql(since),
        clock.to_sql(until),
    )
    return [
        backtest.Outage(incident_id=integer(row[0]), service_id=integer(row[1]), since=time(row[2]), until=time_or_none(row[3]))
        for row in rows
    ]


def told(connection: Connection, since: datetime, until: datetime) -> list[Told]:
    """Return the critical outages of which people were told since then, without those that were named under another."""
    rows = connection.rows(
        """
        SELECT service_id, coalesce(announced_at, opened_at), acknowledged_at, over_at FROM conversations
        WHERE opened_at >= ? AND opened_at < ? AND severity = 'critical' AND is_outage = 1 AND announced_at IS NOT NULL
        ORDER BY opened_at
        """,
        clock.to_sql(since),
        clock.to_sql(until),
    )
    return [
        Told(service_id=integer(row[0]), opened_at=time(row[1]), acknowledged_at=time_or_none(row[2]), over_at=time_or_none(row[3]))
        for row in rows
    ]


def alarms(connection: Connection, since: datetime, until: datetime) -> list[Alarm]:
    """Return the alerts about services that were triggered in [since, until), oldest first, but for events."""
    rows = connection.rows(
        f"""
        SELECT a.alert_id, a.service_id, a.alert_type, a.triggered_at, a.resolved_at, f.marked_by,
               EXISTS (SELECT 1 FROM incidents AS i
                       WHERE i.service_id = a.service_id AND i.started_at <= coalesce(a.resolved_at, ?2)
                         AND coalesce(i.resolved_at, ?2) >= a.triggered_at),
               EXISTS (SELECT 1 FROM conversations AS c
                       WHERE c.service_id = a.service_id AND c.acknowledged_at IS NOT NULL AND {_OVERLAPS})
        FROM alert_log AS a LEFT JOIN false_alarms AS f USING (alert_id)
        WHERE a.triggered_at >= ?1 AND a.triggered_at < ?2 AND a.service_id IS NOT NULL AND a.severity != 'info' AND a.removed = 0
        ORDER BY a.triggered_at
        """,  # noqa: S608  our own words
        clock.to_sql(since),
        clock.to_sql(until),
    )
    return [
        Alarm(
            alert_id=integer(row[0]),
            service_id=integer(row[1]),
            alert_type=text(row[2]),
            triggered_at=time(row[3]),
            resolved_at=time_or_none(row[4]),
            marked_by=text_or_none(row[5]),
            in_outage=bool(row[6]),
            acknowledged=bool(row[7]),
        )
        for row in rows
    ]


def acknowledged_at(connection: Connection, incident_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when a person first said of each of these incidents that it is seen; those of which nobody did are missing."""
    rows = connection.rows(
        """
        SELECT i.incident_id, min(c.acknowledged_at)
        FROM json_each(?) AS asked CROSS JOIN incidents AS i ON i.incident_id = asked.value
        CROSS JOIN conversations AS c ON c.service_id = i.service_id
        WHERE c.acknowledged_at >= i.started_at AND (i.resolved_at IS NULL OR c.acknowledged_at <= i.resolved_at)
        GROUP BY i.incident_id
        """,
        json.dumps(list(incident_ids)),
    )
    return {integer(row[0]): time(row[1]) for row in rows}


def mark_false(connection: Connection, alert_id: int, *, by: str, reason: str, at: datetime) -> bool:
    """Remember that an alert was false, as a person says; return whether there is such an alert. Once said is enough."""
    hit = connection.change(
        "INSERT OR IGNORE INTO false_alarms (alert_id, marked_by, marked_at, reason) SELECT alert_id, ?2, ?3, ?4 FROM alert_log WHERE alert_id = ?1",
        alert_id,
        by,
        clock.to_sql(at),
        reason,
    )
    return hit == 1 or connection.row("SELECT 1 FROM false_alarms WHERE alert_id = ?", alert_id) is not None
