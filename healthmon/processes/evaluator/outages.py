"""The part of the evaluator that opens and closes incidents."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal import learning
from healthmon.model.alert import HEALING_QUARANTINED
from healthmon.model.heal import HealState
from healthmon.model.incident import Incident, IncidentResolution
from healthmon.model.status import ServiceStatus
from healthmon.status.machine import StatusEvent
from healthmon.store import alerts, heals, incidents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.decision import HealReason
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.alert import Alert
    from healthmon.model.heal import Heal
    from healthmon.model.service import Service
    from healthmon.model.status import ServiceState
    from healthmon.processes.evaluator.watching import Change
    from healthmon.store.connection import Connection

OUTAGES_REMEMBERED = 200
TELLING = frozenset({HealState.VERIFIED, HealState.WOULD_RESTART})


class Outages:
    """The open incidents, in memory as in the database."""

    def __init__(
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        healing: HealSettings,
        log: Log,
    ) -> None:
        self._names = {service.service_id: service.name for service, _ in services}
        self._reset = timedelta(minutes=healing.reset_after_minutes)
        self._log = log
        self.open: dict[int, Incident] = {}
        self.latest: dict[int, Incident] = {}  # the last of each service that is over

    def load(self, connection: Connection, now: datetime) -> None:
        """Read what is open, and close what belongs to services that are not watched any more."""
        self.latest = incidents.latest_resolved(connection)
        self.open = {}
        for incident in incidents.open_incidents(connection):
            if incident.service_id in self._names:
                self.open[incident.service_id] = incident
            else:
                incidents.resolve(connection, incident.incident_id, at=now, resolution=IncidentResolution.REMOVED)
                alerts.resolve(connection, incident.service_id, HEALING_QUARANTINED, at=now)

    def open_new(self, connection: Connection, changes: Iterable[Change], now: datetime) -> None:
        """Open an incident for each service that has just become unhealthy and has none."""
        for change in changes:
            sid = change.service.service_id
            if change.event is StatusEvent.UNHEALTHY and sid not in self.open:
                self.open[sid] = self._open(connection, change.state, now)
                self._log.change("incident_opened", service=change.service.name, incident=self.open[sid].incident_id)

    def close_recovered(
        self,
        connection: Connection,
        states: Mapping[int, ServiceState],
        being_healed: Collection[int],
        now: datetime,
    ) -> None:
        """Close the incident of each service that is healthy again, once its heal is judged."""
        for sid, incident in list(self.open.items()):
            state = states.get(sid)
            if state is not None and state.status is ServiceStatus.HEALTHY and sid not in being_healed:
                self._close(connection, incident, state.status_since or now)

    def note_healing(self, connection: Connection, sid: int, healing: str, reason: HealReason) -> None:
        """Remember what the healing policy says about an incident now, in words and as its reason."""
        incident = self.open[sid]
        if (incident.healing, incident.healing_reason) != (healing, reason.value):
            incidents.note_healing(connection, incident.incident_id, healing, reason.value)
            self.open[sid] = replace(incident, healing=healing, healing_reason=reason.value)

    def quarantine(self, connection: Connection, sid: int, alert: Alert) -> bool:
        """Record, once an incident, that no further restart will be tried. Return whether that is news."""
        incident = self.open[sid]
        if incident.quarantined_at is not None:
            return False
        incidents.quarantine(connection, incident.incident_id, at=alert.triggered_at)
        alerts.fire(connection, alert)
        self.open[sid] = replace(incident, quarantined_at=alert.triggered_at)
        return True

    def end_quarantine(self, connection: Connection, sid: int, now: datetime) -> None:
        """Record that restarts are tried again."""
        if sid in self.open:
            incidents.end_quarantine(connection, self.open[sid].incident_id)
            alerts.resolve(connection, sid, HEALING_QUARANTINED, at=now)
            self.open[sid] = replace(self.open[sid], quarantined_at=None)

    def call_person(self, connection: Connection, sid: int, *, since: datetime, now: datetime) -> bool:
        """Have people told how an open incident stands, unless they were since then. Return whether that is news."""
        incident = self.open.get(sid)
        if incident is None or (incident.needs_person_at is not None and incident.needs_person_at >= since):
            return False
        incidents.call_person(connection, incident.incident_id, at=now)
        self.open[sid] = replace(incident, needs_person_at=now)
        return True

    def _open(self, connection: Connection, state: ServiceState, now: datetime) -> Incident:
        started_at = state.streak_started_at or now
        return incidents.open_incident(
            connection,
            state.service_id,
            started_at=started_at,
            detected_at=max(started_at, state.status_since or now),
            episode_started_at=self._episode_start(state.service_id, started_at),
            reason=state.last_reason,
            error_message=state.last_error,
        )

    def _episode_start(self, sid: int, started_at: datetime) -> datetime:
        """A relapse within the reset time belongs to the earlier episode, and to its count of attempts."""
        last = self.latest.get(sid)
        if last is None or last.resolved_at is None or started_at - last.resolved_at >= self._reset:
            return started_at
        return min(last.episode_started_at, started_at)

    def _close(self, connection: Connection, incident: Incident, resolved_at: datetime) -> None:
        at = max(resolved_at, incident.started_at)
        made = heals.of_incident(connection, incident.incident_id)
        resolution = _resolution(made)
        self._learn(connection, incident, made, at)
        incidents.resolve(connection, incident.incident_id, at=at, resolution=resolution)
        alerts.resolve(connection, incident.service_id, HEALING_QUARANTINED, at=at)
        del self.open[incident.service_id]
        self.latest[incident.service_id] = replace(incident, resolved_at=at, resolution=resolution)
        self._log.change(
            "incident_resolved",
            service=self._names.get(incident.service_id, "?"),
            incident=incident.incident_id,
            resolution=resolution.value,
            lasted_s=(at - incident.started_at).total_seconds(),
        )


    def _learn(self, connection: Connection, incident: Incident, made: Iterable[Heal], ended_at: datetime) -> None:
        """Keep which restarts of an outage that is over were needless."""
        ours = [heal for heal in made if heal.asked_by is None and heal.state in TELLING]
        if not ours:
            return
        left_alone = incidents.left_alone(connection, incident.service_id, incident.reason, limit=OUTAGES_REMEMBERED)
        for heal in ours:
            needless = learning.need(heal, began_at=incident.started_at, ended_at=ended_at, left_alone=left_alone)
            if needless is not None:
                heals.judge_need(connection, heal.heal_id, needless=needless)


def _resolution(made: list[Heal]) -> IncidentResolution:
    own = [heal for heal in made if heal.follows is None]
    healed = bool(own) and own[-1].state is HealState.VERIFIED
    return IncidentResolution.HEALED if healed else IncidentResolution.RECOVERED
