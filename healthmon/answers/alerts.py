"""What alerts are there, and who was told?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import OURSELVES, iso
from healthmon.clock import to_iso
from healthmon.model.alert import AlertSeverity, AlertStatus
from healthmon.store import alerts, conversations, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.store.connection import Connection


class AlertDocument(TypedDict):
    alert_id: int
    service_name: str
    alert_type: str
    severity: AlertSeverity
    status: AlertStatus
    message: str
    values: dict[str, str]
    triggered_at: str
    resolved_at: str | None
    told_at: str | None
    acknowledged_by: str | None
    acknowledgement: str | None


def read_firing(connection: Connection) -> list[AlertDocument]:
    """Return the alerts that fire, the oldest first."""
    return documents(alerts.firing(connection), *_around(connection))


def read_page(
    connection: Connection, *, before: int | None, limit: int, service_id: int | None, status: AlertStatus | None
) -> list[AlertDocument]:
    """Return the newest alerts older than the one with the id `before`, newest first."""
    found = alerts.page(connection, before=before, limit=limit, service_id=service_id, status=status)
    return documents(found, *_around(connection))


def read_followed(connection: Connection, *, newest: int, also: Iterable[int]) -> list[AlertDocument]:
    """Return those that fire, the newest ones, and those with the ids `also`."""
    page = alerts.page(connection, before=None, limit=newest, service_id=None, status=None)
    found = {one.alert_id: one for one in (*alerts.firing(connection), *alerts.of_ids(connection, also), *page)}
    return documents([found[alert_id] for alert_id in sorted(found)], *_around(connection))


def documents(found: Iterable[Alert], spoken: Mapping[int, Conversation], names: Mapping[int, str]) -> list[AlertDocument]:
    """Return alerts; what was said of an outage stands with those that fire, by their service."""
    return [_document(alert, spoken.get(alert.service_id or 0) if alert.resolved_at is None else None, names) for alert in found]


def _around(connection: Connection) -> tuple[dict[int, Conversation], dict[int, str]]:
    spoken = {one.service_id: one for one in conversations.open_conversations(connection)}
    return spoken, {sid: service.name for sid, service in services.all_by_id(connection).items()}


def _document(alert: Alert, spoken: Conversation | None, names: Mapping[int, str]) -> AlertDocument:
    return AlertDocument(
        alert_id=alert.alert_id,
        service_name=names.get(alert.service_id or 0, OURSELVES),
        alert_type=alert.alert_type,
        severity=alert.severity,
        status=alert.status,
        message=alert.message,
        values=dict(alert.values),
        triggered_at=to_iso(alert.triggered_at),
        resolved_at=iso(alert.resolved_at),
        told_at=None if spoken is None else iso(spoken.notified_at),
        acknowledged_by=None if spoken is None else spoken.acknowledged_by,
        acknowledgement=None if spoken is None else spoken.acknowledgement,
    )
