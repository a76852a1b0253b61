"""Where is it kept what was said about each outage?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.alert import AlertSeverity
from healthmon.model.conversation import Conversation
from healthmon.store.row import integer, integer_or_none, sql_time, text, text_or_none, time, time_or_none

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection


def begin(  # noqa: PLR0913  its columns
    connection: Connection,
    service_id: int,
    *,
    severity: AlertSeverity,
    alert_types: tuple[str, ...],
    alert_id: int,
    started_at: datetime,
    now: datetime,
) -> Conversation:
    """Open a conversation, with its first alert if there is one. The database refuses a second open one of the same service."""
    rows = connection.rows(
        """
        INSERT INTO conversations (service_id, severity, opened_at, started_at, alert_id, alert_types) VALUES (?, ?, ?, ?, ?, ?)
        RETURNING conversation_id
        """,
        service_id,
        severity.value,
        clock.to_sql(now),
        clock.to_sql(started_at),
        alert_id,
        json.dumps(alert_types, ensure_ascii=False),
    )
    return Conversation(
        conversation_id=integer(rows[0][0]),
        service_id=service_id,
        severity=severity,
        opened_at=now,
        started_at=started_at,
        alert_id=alert_id,
        alert_types=alert_types,
    )


def open_conversations(connection: Connection) -> list[Conversation]:
    """Return the conversations in which there may be more to say, oldest first."""
    rows = connection.rows(
        """
        SELECT conversation_id, service_id, severity, opened_at, over_at, root_service_id, released_at, urgent_at,
               announced_at, announced_severity, notified_at, closed_at, is_outage, told_dependents,
               acknowledged_at, acknowledged_by, acknowledgement, acknowledged_until, alert_id, alert_types,
               flapping_at, told_flapping, told_channels, escalated, because_of, started_at
        FROM conversations WHERE closed_at IS NULL ORDER BY conversation_id
        """,
    )
    return list(map(_conversation, rows))


def outages_told_since(connection: Connection, since: datetime) -> dict[int, datetime]:
    """Return, by service, when its last outage that people were told of was over, if that was at or after `since`."""
    rows = connection.rows(
        """
        SELECT service_id, max(closed_at) FROM conversations
        WHERE closed_at >= ? AND is_outage AND announced_at IS NOT NULL GROUP BY service_id
        """,
        clock.to_sql(since),
    )
    return {integer(row[0]): time(row[1]) for row in rows}


def save(connection: Connection, conversation: Conversation) -> None:
    """Write a conversation as it is now."""
    connection.change(
        """
        UPDATE conversations SET severity = ?, over_at = ?, root_service_id = ?, released_at = ?, urgent_at = ?,
               announced_at = ?, announced_severity = ?, notified_at = ?, closed_at = ?, is_outage = ?,
               told_dependents = ?, acknowledged_at = ?, acknowledged_by = ?, acknowledgement = ?, acknowledged_until = ?,
               alert_types = ?, flapping_at = ?, told_flapping = ?, told_channels = ?, escalated = ?, because_of = ?,
               started_at = ?, alert_id = ?
        WHERE conversation_id = ?
        """,
        conversation.severity.value,
        sql_time(conversation.over_at),
        conversation.root_service_id,
        sql_time(conversation.released_at),
        sql_time(conversation.urgent_at),
        sql_time(conversation.announced_at),
        None if conversation.announced_severity is None else conversation.announced_severity.value,
        sql_time(conversation.notified_at),
        sql_time(conversation.closed_at),
        int(conversation.is_outage),
        json.dumps(conversation.told_dependents, ensure_ascii=False),
        sql_time(conversation.acknowledged_at),
        conversation.acknowledged_by,
        conversation.acknowledgement,
        sql_time(conversation.acknowledged_until),
        json.dumps(conversation.alert_types, ensure_ascii=False),
        sql_time(conversation.flapping_at),
        int(conversation.told_flapping),
        json.dumps(conversation.told_channels, ensure_ascii=False),
        json.dumps(conversation.escalated),
        conversation.because_of,
        clock.to_sql(conversation.started_at),
        conversation.alert_id,
        conversation.conversation_id,
    )


def _conversation(row: tuple[apsw.SQLiteValue, ...]) -> Conversation:
    announced = text_or_none(row[9])
    return Conversation(
        conversation_id=integer(row[0]),
        service_id=integer(row[1]),
        severity=AlertSeverity(text(row[2])),
        opened_at=time(row[3]),
        over_at=time_or_none(row[4]),
        root_service_id=integer_or_none(row[5]),
        released_at=time_or_none(row[6]),
        urgent_at=time_or_none(row[7]),
        announced_at=time_or_none(row[8]),
        announced_severity=None if announced is None else AlertSeverity(announced),
        notified_at=time_or_none(row[10]),
        closed_at=time_or_none(row[11]),
        is_outage=bool(row[12]),
        told_dependents=tuple(json.loads(text(row[13]))),
        acknowledged_at=time_or_none(row[14]),
        acknowledged_by=text_or_none(row[15]),
        acknowledgement=text_or_none(row[16]),
        acknowledged_until=time_or_none(row[17]),
        alert_id=integer(row[18]),
        alert_types=tuple(json.loads(text(row[19]))),
        flapping_at=time_or_none(row[20]),
        told_flapping=bool(row[21]),
        told_channels=tuple(json.loads(text(row[22]))),
        escalated=tuple(json.loads(text(row[23]))),
        because_of=text_or_none(row[24]),
        started_at=time(row[25]),
    )
