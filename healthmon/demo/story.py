"""What happened between two looks at the database, in plain words?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.heal import Heal, HealState
from healthmon.model.incident import Incident, IncidentResolution
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.store import heals, incidents, services, states

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection

LATEST = 50


class Mood(StrEnum):
    """What a line means for the service; its value is the colour that says so."""

    BAD = "red"
    DOUBT = "yellow"
    ACT = "cyan"
    GOOD = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    at: datetime
    mood: Mood
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the database holds at one moment, by the ids of services, incidents and heals."""

    names: Mapping[int, str]
    states: Mapping[int, ServiceState]
    incidents: Mapping[int, Incident]
    heals: Mapping[int, Heal]

    @property
    def healthy(self) -> int:
        return sum(state.status is ServiceStatus.HEALTHY for state in self.states.values())

    def healed(self) -> Iterator[tuple[Incident, Heal]]:
        """Give the outages that a restart of ours has ended, with that restart."""
        for heal in self.heals.values():
            incident = self.incidents.get(heal.incident_id or 0)
            if heal.state is HealState.VERIFIED and incident is not None and incident.resolved_at is not None:
                yield incident, heal


NOTHING_YET = Look(names={}, states={}, incidents={}, heals={})


def look(connection: Connection) -> Look:
    """Look at the database."""
    return Look(
        names={service.service_id: name for name, service in services.by_name(connection).items()},
        states=states.load(connection),
        incidents={incident.incident_id: incident for incident in incidents.recent(connection, limit=LATEST)},
        heals={heal.heal_id: heal for heal in heals.recent(connection, limit=LATEST)},
    )


def tell(before: Look, after: Look) -> list[Line]:
    """Say what is new in `after`, in the order in which it happened."""
    lines = [*_doubts(before, after), *_restarts(before, after), *_outages(before, after)]
    return sorted(lines, key=lambda line: line.at)


def _doubts(before: Look, after: Look) -> Iterator[Line]:
    for service_id, state in after.states.items():
        earlier = before.states.get(service_id)
        began = state.streak_started_at
        if began is None or (earlier is not None and began == earlier.streak_started_at):
            continue
        error = f": {state.last_error}" if state.last_error else ""
        yield Line(at=began, mood=Mood.DOUBT, text=f"A check of {after.names[service_id]} failed{error}. One failure proves nothing: it looks again.")


def _outages(before: Look, after: Look) -> Iterator[Line]:
    for incident in after.incidents.values():
        name, number = after.names[incident.service_id], incident.incident_id
        earlier = before.incidents.get(number)
        if earlier is None:
            yield Line(at=incident.detected_at, mood=Mood.BAD, text=f"{name} is unhealthy: the looks after it failed too. Incident {number} is open.")
        if incident.quarantined_at is not None and (earlier is None or earlier.quarantined_at is None):
            yield Line(at=incident.quarantined_at, mood=Mood.BAD, text=f"No more restarts of {name}: they do not help. It needs a person.")
        if incident.resolved_at is not None and (earlier is None or earlier.resolved_at is None):
            how = "our restart healed it" if incident.resolution is IncidentResolution.HEALED else "it recovered without us"
            lasted_s = (incident.resolved_at - incident.started_at).total_seconds()
            text = f"{name} is healthy again after {lasted_s:.1f} s. Incident {number} is closed: {how}."
            yield Line(at=max(incident.resolved_at, _proven_at(incident, after)), mood=Mood.GOOD, text=text)


def _proven_at(incident: Incident, look: Look) -> datetime:
    """Return when the restart that ended an outage was proven to have helped: that is when the outage was closed."""
    proofs = [heal.closed_at for heal in look.heals.values() if heal.incident_id == incident.incident_id and heal.closed_at]
    return max(proofs, default=incident.detected_at)


def _restarts(before: Look, after: Look) -> Iterator[Line]:
    for heal in after.heals.values():
        earlier = before.heals.get(heal.heal_id)
        told = (None, None, None) if earlier is None else (earlier.planned_at, earlier.returned_at, earlier.closed_at)
        if told[0] is None:
            yield Line(at=heal.planned_at, mood=Mood.ACT, text=_why(heal, after))
        if heal.returned_at is not None and told[1] is None:
            text = f"{heal.target_name} was restarted. That alone proves nothing: fresh checks of the new process must be good."
            yield Line(at=heal.returned_at, mood=Mood.ACT, text=text)
        if heal.closed_at is not None and told[2] is None:
            yield _ended(heal, heal.closed_at)


def _ended(heal: Heal, at: datetime) -> Line:
    detail = f" ({heal.detail})" if heal.detail else ""
    if heal.state is HealState.VERIFIED:
        return Line(at=at, mood=Mood.GOOD, text=f"They are{detail}: the restart is proven to have helped.")
    return Line(at=at, mood=Mood.BAD, text=f"The restart of {heal.target_name} ended as {heal.state}{detail}.")


def _why(heal: Heal, after: Look) -> str:
    incident = after.incidents.get(heal.incident_id or 0)
    if incident is None or heal.asked_by is not None:
        return f"{heal.asked_by or 'Somebody'} wants {heal.target_name} to {heal.action}: {heal.why or 'now'}."
    failing_s = (heal.planned_at - incident.started_at).total_seconds()
    return f"Decided to {heal.action} {heal.target_name} (attempt {heal.attempt}): failing for {failing_s:.1f} s, confirmed, and no rule speaks against it."
