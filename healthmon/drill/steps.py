"""Which steps does a drill wait for, and when did each come?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.store import alerts, heals, incidents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.drill.receiver import Receiver
    from healthmon.store.connection import Connection

RULE = "service_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`at` is None while it has not come. `name` is stable, for scripts."""

    name: str
    text: str
    at: datetime | None


TEXTS: Mapping[str, str] = {
    "failed": "a check failed",
    "confirmed": "rechecks confirmed it",
    "alert": "an alert fired",
    "message": "its message arrived",
    "restart": "a restart was issued",
    "restarted": "the restart was made",
    "recovered": "the first good check",
    "verified": "the restart was proven to have helped",
    "all_clear": "the message of its end arrived",
}


def read_steps(connection: Connection, receiver: Receiver) -> list[Step]:
    """Return all steps of the one incident of a drill, as far as they have come."""
    found = incidents.recent(connection, limit=1)
    incident = found[0] if found else None
    made = heals.of_incident(connection, incident.incident_id) if incident is not None else []
    heal = made[0] if made else None
    fired = [one for one in alerts.page(connection, before=None, limit=50, service_id=1, status=None) if one.alert_type == RULE]
    times = {
        "failed": None if incident is None else incident.started_at,
        "confirmed": None if incident is None else incident.detected_at,
        "alert": fired[-1].triggered_at if fired else None,
        "message": receiver.first("firing"),
        "restart": None if heal is None else heal.issued_at,
        "restarted": None if heal is None else heal.returned_at,
        "recovered": None if incident is None else incident.resolved_at,
        "verified": heal.closed_at if heal is not None and heal.state.value == "verified" else None,
        "all_clear": receiver.first("resolved"),
    }
    return [Step(name=name, text=text, at=times[name]) for name, text in TEXTS.items()]
