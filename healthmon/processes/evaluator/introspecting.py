"""The part of the evaluator that tells people of alerts about healthmon itself, whichever process entered them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from healthmon.alerts.ourselves import OURSELVES, due_at, is_never_told, kind_of
from healthmon.model.alert import rank
from healthmon.model.notification import Notification, NotificationKind
from healthmon.notify import retry
from healthmon.notify.of_alert import of_alert
from healthmon.notify.routes import Subject
from healthmon.store import alerts, outbox

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.model.alert import Alert, AlertSeverity
    from healthmon.notify.routes import Routing
    from healthmon.processes.evaluator.quiet import Quiet
    from healthmon.store.connection import Connection


class Introspecting:
    """What is to be told stands in the database: its triggers put it there."""

    def __init__(self, routing: Routing, quiet: Quiet, *, host: str, wait: timedelta) -> None:
        self._routing = routing
        self._quiet = quiet
        self._host = host
        self._wait = wait

    def due_at(self, connection: Connection, now: datetime) -> datetime | None:
        """Return when something is to be told next, if anything waits for that."""
        found = alerts.untold_of_ourselves(connection)
        return min((self._due_at(alert, now, is_known=is_known) for alert, is_known in found), default=None)

    def say(self, connection: Connection, now: datetime) -> bool:
        """Queue what is due; return whether that was anything."""
        found = alerts.untold_of_ourselves(connection)
        due = [(alert, is_known) for alert, is_known in found if self._due_at(alert, now, is_known=is_known) <= now]
        alerts.forget_untold(connection, [alert.alert_id for alert, _ in due])
        messages: dict[tuple[NotificationKind, tuple[str, ...]], list[Alert]] = defaultdict(list)
        for alert, is_known in due:
            if not is_never_told(alert, is_known=is_known):
                messages[kind_of(alert, is_known=is_known), self._where(alert.severity, now)].append(alert)
        for (kind, channels), told in messages.items():
            self._queue(connection, kind, channels, told, now)
        return bool(messages)

    def _due_at(self, alert: Alert, now: datetime, *, is_known: bool) -> datetime:
        """What is silenced waits for the silence to end; but an end is told to those who heard of the beginning."""
        if is_never_told(alert, is_known=is_known) or alert.triggered_at > now:  # a clock may be set back
            return now
        due = due_at(alert, is_known=is_known, wait=self._wait)
        return due if is_known else max(due, self._silenced_until(alert, now) or due)

    def _silenced_until(self, alert: Alert, now: datetime) -> datetime | None:
        labels = {"service": OURSELVES, "group": OURSELVES, "alert": alert.alert_type, "severity": alert.severity.value}
        return self._quiet.silenced_until(labels, now)

    def _where(self, severity: AlertSeverity, now: datetime) -> tuple[str, ...]:
        return self._routing.channels_of(Subject(service=OURSELVES, group=OURSELVES, severity=severity), now)

    def _queue(self, connection: Connection, kind: NotificationKind, channels: tuple[str, ...], told: list[Alert], now: datetime) -> None:
        message = Notification(
            kind=kind,
            severity=max((one.severity for one in told), key=rank),
            created_at=now,
            host=self._host,
            affected=tuple(of_alert(one, service=OURSELVES, group=OURSELVES, critical=False) for one in told),
        )
        outbox.enqueue(connection, message, channels, lifetime=retry.LIFETIME)
