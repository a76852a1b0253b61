"""Which outages were there, and how long did each step of them take?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import between, iso
from healthmon.clock import to_iso
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.store import incidents, outcomes, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from healthmon.model.incident import Incident
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection


class IncidentDocument(TypedDict):
    incident_id: int
    service_name: str
    started_at: str
    detected_at: str
    resolved_at: str | None
    resolution: IncidentResolution | None
    reason: CheckReason
    error_message: str | None
    healing: str | None
    quarantined_at: str | None
    acknowledged_at: str | None
    seconds_to_detect: float | None
    seconds_to_acknowledge: float | None
    seconds_to_resolve: float | None


def read_page(
    connection: Connection, *, before: int | None, limit: int, service_id: int | None, is_open: bool | None
) -> list[IncidentDocument]:
    """Return the newest incidents older than the one with the id `before`, newest first."""
    known = services.all_by_id(connection)
    found = incidents.page(connection, before=before, limit=limit, service_id=service_id, is_open=is_open)
    return _documents(connection, found, known)


def read_followed(connection: Connection, *, newest: int, also: Iterable[int]) -> list[IncidentDocument]:
    """Return those that last, the newest ones, and those with the ids `also`."""
    known = services.all_by_id(connection)
    page = incidents.page(connection, before=None, limit=newest, service_id=None, is_open=None)
    found = {one.incident_id: one for one in (*incidents.open_incidents(connection), *incidents.of_ids(connection, also), *page)}
    return _documents(connection, [found[incident_id] for incident_id in sorted(found)], known)


def _documents(connection: Connection, found: Sequence[Incident], known: Mapping[int, Service]) -> list[IncidentDocument]:
    acknowledged = outcomes.acknowledged_at(connection, [incident.incident_id for incident in found])
    return [_document(incident, known, acknowledged.get(incident.incident_id)) for incident in found]


def _document(incident: Incident, known: Mapping[int, Service], acknowledged_at: datetime | None) -> IncidentDocument:
    return IncidentDocument(
        incident_id=incident.incident_id,
        service_name=known[incident.service_id].name,
        started_at=to_iso(incident.started_at),
        detected_at=to_iso(incident.detected_at),
        resolved_at=iso(incident.resolved_at),
        resolution=incident.resolution,
        reason=incident.reason,
        error_message=incident.error_message,
        healing=incident.healing,
        quarantined_at=iso(incident.quarantined_at),
        acknowledged_at=iso(acknowledged_at),
        seconds_to_detect=between(incident.started_at, incident.detected_at),
        seconds_to_acknowledge=between(incident.started_at, acknowledged_at),
        seconds_to_resolve=between(incident.started_at, incident.resolved_at),
    )
