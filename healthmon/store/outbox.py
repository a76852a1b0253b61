"""Where do messages wait until their receiver has them?"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.model.alert import AlertSeverity
from healthmon.model.notification import Affected, Notification, NotificationKind
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    import apsw

    from healthmon.store.connection import Connection


def enqueue(connection: Connection, notification: Notification, channels: Iterable[str], *, lifetime: timedelta) -> int:
    """Write a message and a delivery for each channel; belongs into the durable transaction of what it tells of.

    Return its notification_id.
    """
    rows = connection.rows(
        "INSERT INTO notifications (kind, severity, created_at, content) VALUES (?, ?, ?, ?) RETURNING notification_id",
        notification.kind.value,
        notification.severity.value,
        clock.to_sql(notification.created_at),
        _content(notification),
    )
    notification_id = integer(rows[0][0])
    expires_at = clock.to_sql(notification.created_at + lifetime)
    connection.change_many(
        """
        INSERT INTO deliveries (notification_id, channel, state, next_attempt_at, expires_at)
        VALUES (?, ?, 'queued', ?, ?)
        """,
        [(notification_id, channel, clock.to_sql(notification.created_at), expires_at) for channel in channels],
    )
    return notification_id


def notification(connection: Connection, notification_id: int) -> Notification:
    """Return one message."""
    row = connection.row(
        "SELECT notification_id, kind, severity, created_at, content FROM notifications WHERE notification_id = ?",
        notification_id,
    )
    if row is None:
        raise LookupError(f"there is no notification {notification_id}")
    return read_notification(row)


def _content(message: Notification) -> str:
    affected = [{name: _plain(value) for name, value in asdict(one).items()} for one in message.affected]
    return json.dumps({"host": message.host, "affected": affected}, ensure_ascii=False)


def _plain(value: object) -> object:
    return clock.to_iso(value) if isinstance(value, datetime) else value


def read_notification(row: tuple[apsw.SQLiteValue, ...]) -> Notification:
    """Make a message of a row: notification_id, kind, severity, created_at, content."""
    content = json.loads(text(row[4]))
    return Notification(
        notification_id=integer(row[0]),
        kind=NotificationKind(text(row[1])),
        severity=AlertSeverity(text(row[2])),
        created_at=time(row[3]),
        host=content["host"],
        affected=tuple(map(_affected, content["affected"])),
    )


def _affected(found: dict[str, Any]) -> Affected:
    known = dict(found)
    known["severity"] = AlertSeverity(known["severity"])
    for name in ("started_at", "resolved_at"):
        known[name] = None if known[name] is None else clock.from_iso(known[name])
    for name in ("facts", "values", "links"):
        known[name] = tuple((key, value) for key, value in known[name])
    for name in ("alert_types", "dependents"):
        known[name] = tuple(known[name])
    return Affected(**known)
