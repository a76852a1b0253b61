"""How is every configured service now, as the database knows it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.history import report
from healthmon.history.report import Report
from healthmon.memo import Memo
from healthmon.model.service import Service
from healthmon.model.status import ServiceState
from healthmon.status.uptime import Uptime
from healthmon.store import heal_review, holds, incidents, services, states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from healthmon.config import Config, ServiceSettings
    from healthmon.history.report import ServiceLine
    from healthmon.model.hold import Hold
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection
    from healthmon.store.heal_review import HealReview
    from healthmon.store.targets import TargetReport, TargetSummary

BELIEVED_INTERVALS = 3
UNSEEN = Uptime()
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


class Known:
    """What was read before: for who asks again and again, as most of a thousand services are as they were a moment ago."""

    def __init__(self) -> None:
        self.services: Memo[Service] = Memo()
        self.states: Memo[tuple[ServiceState, Uptime]] = Memo()
        self.lines: Memo[ServiceLine] = Memo()
        self.targets: Memo[TargetReport] = Memo()
        self.summaries: Memo[TargetSummary] = Memo()


def read(connection: Connection, loaded: Config, known: Known | None = None) -> LiveReport:
    """Return how every configured service is now, as the database knows it; one that it does not know is unknown."""
    now, known = clock.now(), known or Known()
    entered, seen = services.by_name(connection, known.services), states.load_with_uptimes(connection, known.states)
    lines = []
    for settings in loaded.enabled_services():
        service = entered.get(settings.name) or _not_entered(settings)
        sid = service.service_id
        state, uptime = seen.get(sid) or (ServiceState(service_id=sid), UNSEEN)
        max_age = timedelta(seconds=BELIEVED_INTERVALS * settings.interval_seconds + settings.timeout_seconds)
        lines.append(known.lines.of(settings.name, report.line, service, state, uptime, report.is_stale(state, now, max_age)))
    shown = {line.service.service_id for line in lines}
    unhealed = [incident for incident in incidents.open_incidents(connection) if incident.service_id in shown]
    return LiveReport(
        at=now,
        lines=tuple(lines),
        incidents={incident.service_id: incident for incident in unhealed},
        holds=holds.standing(connection, at=now),
        healed=heal_review.per_failure(connection, since=now - HEALED_WITHIN),
    )


def _not_entered(settings: ServiceSettings) -> Service:
    return Service(service_id=NO_ID, name=settings.name, group=settings.group, critical=settings.critical)
