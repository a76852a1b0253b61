"""The part of the evaluator that knows who hears of a service, and what is kept from everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.alerts.silences import all_until
from healthmon.model.notification import NotificationKind
from healthmon.notify.routes import Routing, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.model.alert import Alert, AlertSeverity
    from healthmon.model.conversation import Conversation
    from healthmon.model.service import Service
    from healthmon.notify.decision import NotifyDecision
    from healthmon.processes.evaluator.alerting import Alerting
    from healthmon.processes.evaluator.quiet import Quiet

TO_THOSE_TOLD = frozenset({NotificationKind.RESOLVED, NotificationKind.REMOVED, NotificationKind.REMINDER})


class Addressing:
    """Knows the names that silences and routes go by."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]], routing: Routing, quiet: Quiet) -> None:
        self._subjects = {service.service_id: (service.name, configured.group) for service, configured in services}
        self._routing = routing
        self._quiet = quiet

    @property
    def reaches_anybody(self) -> bool:
        return bool(self._routing.every)

    def channels_for(self, one: Conversation, decision: NotifyDecision, now: datetime, *, under: Iterable[Conversation]) -> tuple[str, ...]:
        """Return who hears it: what is good, or no news, those that were told; bad news also whom it is to go to by now.

        Those of `under` are told with it, so it goes also to whom they would have gone.
        """
        if decision.steps:
            return tuple(dict.fromkeys(name for step in decision.steps for name in step.channels))
        told = self._told(one)
        if told and decision.kind in TO_THOSE_TOLD:
            return told
        routes = (self.route(each.service_id, each.severity, now) for each in (one, *under))
        return tuple(dict.fromkeys((*told, *(name for route in routes for name in route))))

    def those_told(self, one: Conversation) -> tuple[str, ...]:
        """Return who was told of an outage, of the channels that there are; all, where none of them is any more."""
        return self._told(one) or self._routing.every

    def _told(self, one: Conversation) -> tuple[str, ...]:
        return tuple(name for name in one.told_channels if name in self._routing.every)

    def route(self, sid: int, severity: AlertSeverity, now: datetime) -> tuple[str, ...]:
        """Return the channels that news of a service goes to now."""
        name, group = self._subjects[sid]
        return self._routing.channels_of(Subject(service=name, group=group, severity=severity), now)

    def is_quiet(self, sid: int, severity: AlertSeverity, now: datetime, alerting: Alerting) -> bool:
        """Tell whether nobody is to be told of an outage now, for maintenance or a silence."""
        is_in_maintenance = self._quiet.maintenance(sid, now).until is not None
        return is_in_maintenance or self.silenced_until(sid, severity, now, alerting) is not None

    def silenced_until(self, sid: int, severity: AlertSeverity, now: datetime, alerting: Alerting) -> datetime | None:
        """Return so long silences keep every alert of an outage quiet, where none fires the outage itself; None if not all."""
        found = [self._labels(sid, alert=firing.rule, severity=firing.severity) for firing in alerting.firing(sid)]
        labels = found or [self._labels(sid, alert="", severity=severity)]
        return all_until([self._quiet.silenced_until(each, now) for each in labels])

    def is_event_quiet(self, event: Alert, now: datetime) -> bool:
        """Tell whether nobody is to be told of an event now."""
        sid = event.service_id or 0
        labels = self._labels(sid, alert=event.alert_type, severity=event.severity)
        return self._quiet.maintenance(sid, now).until is not None or self._quiet.silenced_until(labels, now) is not None

    def _labels(self, sid: int, *, alert: str, severity: AlertSeverity) -> dict[str, str]:
        name, group = self._subjects[sid]
        return {"service": name, "group": group, "alert": alert, "severity": severity.value}
