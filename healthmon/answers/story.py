"""What happened in one outage, in its order, and what was kept of it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.words import evidence_in_words
from healthmon.model.forensics import ForensicsMoment
from healthmon.model.heal import HealState
from healthmon.store import (
    alerts,
    deliveries,
    forensics,
    heal_evidence,
    heals,
    hook_runs,
    incidents,
    operator_actions,
    services,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from healthmon.model.forensics import Forensics
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection

TOLD_AFTER = timedelta(hours=1)  # so late a message about it may still come
MANY = 1_000
MOMENTS = {
    ForensicsMoment.DETECTED: "when it fell ill",
    ForensicsMoment.BEFORE_RESTART: "before the restart",
    ForensicsMoment.AFTER_FAILURE: "after the restart that failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `kind` is a word for scripts."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One incident, whose service is called `service`."""

    incident: Incident
    service: str
    entries: tuple[Entry, ...]
    bundles: tuple[Forensics, ...]


def read_story(connection: Connection, incident_id: int) -> Story | None:
    """Return all that is known of one incident; None when there is none of this number."""
    found = incidents.of_ids(connection, [incident_id])
    if not found:
        return None
    [incident] = found
    service = services.all_by_id(connection)[incident.service_id].name
    bundles = forensics.of_incident(connection, incident_id)
    entries = [
        *_outage(incident),
        *_alerts(connection, incident),
        *_messages(connection, incident, service),
        *_acts(connection, incident, service),
        *(entry for heal in heals.of_incident(connection, incident_id) for entry in _heal(connection, heal)),
        *(Entry(at=one.taken_at, kind="forensics", text=f"evidence kept {MOMENTS[one.moment]}, in {one.took_s:.1f} s") for one in bundles),
    ]
    return Story(incident=incident, service=service, entries=tuple(sorted(entries, key=lambda entry: (entry.at, entry.kind == "resolved"))), bundles=tuple(bundles))


def _outage(incident: Incident) -> Iterator[Entry]:
    yield Entry(at=incident.started_at, kind="failed", text=f"first failed check: {incident.error_message or incident.reason.value}")
    yield Entry(at=incident.detected_at, kind="confirmed", text="confirmed unhealthy")
    if incident.quarantined_at is not None:
        yield Entry(at=incident.quarantined_at, kind="quarantined", text="healing gave up: no further restart by itself")
    if incident.resolved_at is not None and incident.resolution is not None:
        yield Entry(at=incident.resolved_at, kind="resolved", text=f"over: {incident.resolution.value}")


def _alerts(connection: Connection, incident: Incident) -> Iterator[Entry]:
    found = alerts.page(connection, before=None, limit=MANY, service_id=incident.service_id, status=None)
    for alert in found:
        if incident.started_at <= alert.triggered_at <= _end(incident):
            yield Entry(at=alert.triggered_at, kind="alert", text=f"{alert.severity.value} alert {alert.alert_type}: {alert.message}")


def _messages(connection: Connection, incident: Incident, service: str) -> Iterator[Entry]:
    for one in deliveries.about(connection, service, limit=MANY):
        message, delivery = one.notification, one.delivery
        if incident.started_at <= message.created_at <= _end(incident) + TOLD_AFTER:
            yield Entry(at=message.created_at, kind="message", text=f"message ({message.kind.value}) for {delivery.channel}: {delivery.state.value}")


def _acts(connection: Connection, incident: Incident, service: str) -> Iterator[Entry]:
    for act, outcome in operator_actions.about(connection, service, incident.started_at, _end(incident)):
        why = f" ({act.reason})" if act.reason else ""
        yield Entry(at=act.made_at, kind="person", text=f"{act.author}: {act.kind.value.replace('_', ' ')}{why}: {outcome}")


def _heal(connection: Connection, heal: Heal) -> Iterator[Entry]:
    who = f"attempt {heal.attempt}" if heal.asked_by is None else f"for {heal.asked_by}"
    evidence = evidence_in_words(heal, heal_evidence.of_heal(connection, heal))
    if heal.state is HealState.WOULD_RESTART:
        yield Entry(at=heal.planned_at, kind="heal", text=f"dry run: would {heal.action.value} {heal.target_name}, {who}: {evidence}")
        return
    yield Entry(at=heal.planned_at, kind="heal", text=f"{heal.action.value} of {heal.target_name} decided, {who}: {evidence}")
    if heal.issued_at is not None:
        yield Entry(at=heal.issued_at, kind="heal", text=f"{heal.action.value} issued")
    for run in hook_runs.of_heal(connection, heal.heal_id):
        yield Entry(at=run.began_at, kind="hook", text=run.words)
    if heal.returned_at is not None:
        yield Entry(at=heal.returned_at, kind="heal", text=f"{heal.action.value}ed")
    if heal.closed_at is not None:
        yield Entry(at=heal.closed_at, kind="heal", text=f"{heal.action.value} {heal.state.value.replace('_', ' ')}{': ' if heal.detail else ''}{heal.detail}")


def _end(incident: Incident) -> datetime:
    return incident.resolved_at or clock.now()
