"""The part of the evaluator that tells of what is over as it begins: alerts of severity info, several together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.alert import AlertSeverity
from healthmon.model.notification import Notification, NotificationKind
from healthmon.notify import retry
from healthmon.store import alerts, outbox

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from healthmon.alerts.rule import Rule
    from healthmon.model.alert import Alert
    from healthmon.processes.evaluator.addressing import Addressing
    from healthmon.processes.evaluator.wording import Wording
    from healthmon.store.connection import Connection


class Events:
    """Those that wait for others to be told with them, in memory as in the database."""

    def __init__(self, addressing: Addressing, wording: Wording, *, wait: timedelta) -> None:
        self._addressing = addressing
        self._wording = wording
        self._wait = wait
        self._new: list[Alert] = []
        self._waiting: list[Alert] = []

    def load(self, connection: Connection, known: Collection[int]) -> None:
        """Read what waits, and forget what is about services that are not watched any more."""
        found = alerts.untold_events(connection)
        self._new = []
        self._waiting = [one for one in found if one.service_id in known]
        alerts.forget_untold(connection, [one.alert_id for one in found if one.service_id not in known])

    def hear(self, rule: Rule, alert: Alert) -> None:
        """Take in that an alert fires. The recovery from an outage is told by its conversation."""
        if alert.severity is AlertSeverity.INFO and not rule.is_about_recovery:
            self._new.append(alert)

    def say(self, connection: Connection, now: datetime) -> tuple[bool, float | None]:
        """Queue those that have waited; return whether there were any, and the seconds until more have."""
        new = [one for one in self._new if not self._addressing.is_event_quiet(one, now)]
        self._new = []
        waiting = [*self._waiting, *new]
        due = min((one.triggered_at + self._wait if one.triggered_at <= now else now for one in waiting), default=None)  # a clock may be set back
        if due is not None and due > now:
            for one in new:
                alerts.hold_back(connection, one.alert_id)
            self._waiting = waiting
            return False, (due - now).total_seconds()
        alerts.forget_untold(connection, [one.alert_id for one in self._waiting])
        self._waiting = []
        loud = [one for one in waiting if not self._addressing.is_event_quiet(one, now)]
        self._queue(connection, loud, now)
        return bool(loud), None

    def _queue(self, connection: Connection, loud: list[Alert], now: datetime) -> None:
        where = {one.alert_id: self._addressing.route(one.service_id or 0, one.severity, now) for one in loud}
        for channels in dict.fromkeys(where.values()):
            message = Notification(
                kind=NotificationKind.EVENT,
                severity=AlertSeverity.INFO,
                created_at=now,
                host=self._wording.host,
                affected=tuple(self._wording.event(one) for one in loud if where[one.alert_id] == channels),
            )
            outbox.enqueue(connection, message, channels, lifetime=retry.LIFETIME)
