"""Which outages were there, in rows of a table: when, why, how long each step took, and how it ended?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.clock import duration, to_iso, to_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.model.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRow:
    number: int
    page: str
    name: str
    href: str
    started_iso: str
    started: str
    lasted: str
    detected: str
    acknowledged: str
    reason: str
    what: str
    ended: str
    is_open: bool


def rows(
    incidents: Iterable[Incident], names: Mapping[int, str], acknowledged: Mapping[int, datetime], now: datetime
) -> tuple[OutageRow, ...]:
    """Return a row each. `acknowledged` is when a person first said that it is seen, by the number of the incident."""
    return tuple(_row(one, names.get(one.service_id, ""), acknowledged.get(one.incident_id), now) for one in incidents)


def _row(incident: Incident, name: str, acknowledged_at: datetime | None, now: datetime) -> OutageRow:
    lasted = duration(((incident.resolved_at or now) - incident.started_at).total_seconds())
    return OutageRow(
        number=incident.incident_id,
        page=f"/incidents/{incident.incident_id}",
        name=name,
        href=f"/services/{quote(name, safe='')}",
        started_iso=to_iso(incident.started_at),
        started=to_people(incident.started_at),
        lasted=lasted,
        detected=duration((incident.detected_at - incident.started_at).total_seconds()),
        acknowledged="" if acknowledged_at is None else duration((acknowledged_at - incident.started_at).total_seconds()),
        reason=incident.reason.value,
        what=incident.error_message or "",
        ended=_ended(incident),
        is_open=incident.resolved_at is None,
    )


def _ended(incident: Incident) -> str:
    if incident.resolution is None:
        return "given up by healing" if incident.quarantined_at is not None else "lasts"
    return incident.resolution.value
