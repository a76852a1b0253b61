"""Which alerts does an Alertmanager get, and in which words?

An Alertmanager knows an alert by its labels, all of them: what may change while it lasts is said in annotations. It is
handed everything that stands, whether or not we tell people of it: who is told there, and when, is its own decision.
What is no longer posted ends there by itself. (prometheus.io/docs/alerting/latest/clients)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.alerts.ourselves import OURSELVES
from healthmon.alerts.silences import silenced_by
from healthmon.log import clean
from healthmon.model.alert import AlertSeverity, rank
from healthmon.model.notification import Notification, NotificationKind
from healthmon.notify import wording
from healthmon.notify.of_alert import of_alert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.incident import Incident
    from healthmon.model.notification import Affected
    from healthmon.model.service import Service
    from healthmon.model.silence import Silence

JOB = "healthmon"
MAX_ALERTS = 256  # in one request, as Prometheus has it
MAX_TEXT_CHARS = 1_000
MOMENT_LASTS = timedelta(minutes=5)  # what was over as it began would never be told: a group of alerts waits for others first

Entry = dict[str, Any]  # one alert, as the API reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that is to be handed over, and what is known of it. `alerts` fire, or ended a short time ago.

    Services, open conversations and open incidents are by service_id, runbooks and maintenance by the service's name.
    """

    now: datetime
    host: str
    alerts: Sequence[Alert]
    services: Mapping[int, Service]
    conversations: Mapping[int, Conversation]
    incidents: Mapping[int, Incident]
    silences: Sequence[Silence]
    runbooks: Mapping[str, str]
    maintenance: Mapping[str, str] = field(default_factory=dict)  # of those in it, until when and why


def batches(standing: Standing, *, lasts: timedelta) -> list[list[Entry]]:
    """Return what to post, one list a request and at least one; what fires ends in `lasts` unless it is posted again."""
    entries = [_entry(alert, standing, lasts) for alert in _one_of_each(standing)]
    return [entries[start : start + MAX_ALERTS] for start in range(0, max(1, len(entries)), MAX_ALERTS)]


def wanted(alerts: Iterable[Alert]) -> list[Alert]:
    """Return those of some alerts that are handed over: an event of severity info is none that lasts."""
    return [alert for alert in alerts if alert.severity is not AlertSeverity.INFO]


def message(standing: Standing) -> Notification | None:
    """Say what fires as a message, for who is told that it could not be handed over."""
    firing = [alert for alert in wanted(standing.alerts) if alert.resolved_at is None]
    if not firing:
        return None
    severity = max((alert.severity for alert in firing), key=rank)
    affected = tuple(_affected(alert, standing) for alert in firing)
    return Notification(kind=NotificationKind.FIRING, severity=severity, created_at=standing.now, host=standing.host, affected=affected)


def labels(alert: Alert, standing: Standing) -> dict[str, str]:
    """Return an alert's identity: nothing in it changes from the first post to the last."""
    service, group, critical = _whose(alert, standing)
    found = {
        "alertname": alert.alert_type,
        "service": service,
        "group": group,
        "severity": alert.severity.value,
        "instance": standing.host,
        "job": JOB,
        "critical": str(critical).lower(),
    }
    return {name: clean(value) for name, value in found.items()}


def _whose(alert: Alert, standing: Standing) -> tuple[str, str, bool]:
    """Return name, group and weight of the service that an alert is about."""
    service = None if alert.service_id is None else standing.services.get(alert.service_id)
    return (OURSELVES, OURSELVES, False) if service is None else (service.name, service.group, service.critical)


def _one_of_each(standing: Standing) -> Iterable[Alert]:
    """Return one alert for each identity: an earlier one that is over would end, there, the one that fires."""
    in_order = sorted(wanted(standing.alerts), key=lambda alert: (alert.resolved_at is None, alert.alert_id))
    return {tuple(labels(alert, standing).items()): alert for alert in in_order}.values()


def _entry(alert: Alert, standing: Standing, lasts: timedelta) -> Entry:
    ends_at = _end(alert, standing.now, lasts)
    return {
        "labels": labels(alert, standing),
        "annotations": {name: wording.one_line(text, MAX_TEXT_CHARS) for name, text in _annotations(alert, standing) if text},
        # An alert that begins after it ends is refused. With a clock that was set back since, it would.
        "startsAt": clock.to_iso(min(alert.triggered_at, standing.now, ends_at)),
        "endsAt": clock.to_iso(ends_at),
    }


def _end(alert: Alert, now: datetime, lasts: timedelta) -> datetime:
    if alert.resolved_at is None:
        return now + lasts
    if alert.resolved_at == alert.triggered_at:
        return min(alert.triggered_at, now) + MOMENT_LASTS
    return min(alert.resolved_at, now)


def _annotations(alert: Alert, standing: Standing) -> Iterator[tuple[str, str]]:
    service, group, _ = _whose(alert, standing)
    yield "summary", f"{service} on {standing.host}: {alert.alert_type.replace('_', ' ')}"
    yield "description", alert.message
    yield "values", ", ".join(f"{name} = {value}" for name, value in alert.values)
    yield "runbook_url", standing.runbooks.get(service, "")
    if alert.resolved_at is not None or alert.service_id is None:
        return
    incident = standing.incidents.get(alert.service_id)
    if incident is not None:
        yield "error", incident.error_message or ""
        yield "healing", incident.healing or ""
    yield "maintenance", standing.maintenance.get(service, "")
    yield from _said(standing.conversations.get(alert.service_id), standing)
    matched = {"service": service, "group": group, "alert": alert.alert_type, "severity": alert.severity.value}
    silence = silenced_by(standing.silences, matched, standing.now)
    if silence is not None:
        yield "silenced", f"until {clock.to_people(silence.ends_at)} by {silence.author}: {silence.reason}"


def _said(conversation: Conversation | None, standing: Standing) -> Iterator[tuple[str, str]]:
    """Say what people know of an outage: what it is because of, and who has seen it."""
    if conversation is None:
        return
    root = None if conversation.root_service_id is None else standing.services.get(conversation.root_service_id)
    if root is not None:
        yield "root_cause", root.name
    if conversation.is_acknowledged(standing.now):
        yield "acknowledged", f"by {conversation.acknowledged_by}: {conversation.acknowledgement or ''}".removesuffix(": ")


def _affected(alert: Alert, standing: Standing) -> Affected:
    service, group, critical = _whose(alert, standing)
    return of_alert(alert, service=service, group=group, critical=critical)
