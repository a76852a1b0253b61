"""How is every configured service now, as the database knows it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.history import report
from healthmon.history.report import Report
from healthmon.model.service import Service
from healthmon.model.status import ServiceState
from healthmon.status.uptime import Uptime
from healthmon.store import heal_review, holds, incidents, services, states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from healthmon.config import Config
    from healthmon.model.hold import Hold
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection
    from healthmon.store.heal_review import HealReview

BELIEVED_INTERVALS = 3
HEALED_WITHIN = timedelta(days=30)
NO_ID = 0  # of a service that the database does not know; its own count from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReport(Report):
    """A report, with the incident of each service (by its id) that has one open, and the hold of each that a person holds back.

    `healed` is what became of the restarts within HEALED_WITHIN.
    """

    incidents: Mapping[int, Incident]
    holds: Mapping[int, Hold]
    healed: Sequence[HealReview]

    def healing(self, sid: int) -> str | None:
        """Return what healing does about a service, or why it would do nothing."""
        incident, hold = self.incidents.get(sid), self.holds.get(sid)
        if incident is not None and incident.healing is not None:
            return incident.healing
        return None if hold is None else f"held back until {clock.to_people(hold.ends_at)} ({hold.author}: {hold.reason})"


def read(connection: Connection, loaded: Config) -> LiveReport:
    """Return how every configured service is now, as the database knows it; one that it does not know is unknown."""
    now = clock.now()
    known = services.by_name(connection)
    seen, uptimes = states.load(connection), states.uptimes(connection)
    lines = []
    for settings in loaded.enabled_services():
        new = Service(service_id=NO_ID, name=settings.name, group=settings.group, critical=settings.critical)
        service = known.get(settings.name, new)
        sid = service.service_id
        max_age = timedelta(seconds=BELIEVED_INTERVALS * settings.interval_seconds + settings.timeout_seconds)
        state = seen.get(sid, ServiceState(service_id=sid))
        lines.append(report.line(service, state, uptimes.get(sid, Uptime()), now=now, max_age=max_age))
    shown = {line.service.service_id for line in lines}
    unhealed = [incident for incident in incidents.open_incidents(connection) if incident.service_id in shown]
    return LiveReport(
        at=now,
        lines=tuple(lines),
        incidents={incident.service_id: incident for incident in unhealed},
        holds=holds.standing(connection, at=now),
        healed=heal_review.per_failure(connection, since=now - HEALED_WITHIN),
    )
