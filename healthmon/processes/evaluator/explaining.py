"""What would the evaluator decide about a service now, and why? Asked by who reads its database beside it, or after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.explain import Explanation, explain
from healthmon.heal.policy import decide
from healthmon.model.status import ServiceState
from healthmon.processes.evaluator.depending import Depending
from healthmon.processes.evaluator.holding import Holding
from healthmon.processes.evaluator.maintaining import Maintaining
from healthmon.processes.evaluator.moment import read_moment
from healthmon.processes.evaluator.planning import QUEUED
from healthmon.processes.evaluator.situations import Situations
from healthmon.store import facts, heals, incidents, services, states, storms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.config import Config, ServiceSettings
    from healthmon.heal.situation import Situation
    from healthmon.model.incident import Incident
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.moment import Moment
    from healthmon.store.connection import Connection
    from healthmon.store.targets import TargetReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What the explanation rests on, and it; `report` is how the service's target was found."""

    situation: Situation
    explanation: Explanation
    report: TargetReport | None


def read_explanation(connection: Connection, config: Config, name: str, now: datetime) -> Explained | None:
    """Put together what the evaluator would, from the same rows by the same code. None when it never saw the service."""
    found = services.by_name(connection)
    known = [(found[one.name], one) for one in config.enabled_services() if one.name in found]
    ids = {service.service_id for service, _ in known}
    sid = found[name].service_id if name in found else 0
    if sid not in ids:
        return None
    situations = _situations(connection, config, known, now)
    seen = states.load(connection)
    watched = {one: seen.get(one, ServiceState(service_id=one)) for one in ids}
    ill = {one.service_id: one for one in incidents.open_incidents(connection) if one.service_id in ids}
    under_way = {heal.service_id: heal for heal in heals.open_heals(connection)}
    moment = read_moment(connection, watched, {*ill, sid}, under_way, now)
    storm = storms.open_one(connection)
    if storm is not None:
        situations.meet(storm, connection, ill, moment)
    moment.queued = _queued_before(connection, sid, situations, ill, moment)
    situation = situations.of(connection, sid, ill.get(sid), moment)
    return Explained(situation=situation, explanation=explain(situation), report=moment.reports.get(sid))


def _situations(connection: Connection, config: Config, known: list[tuple[Service, ServiceSettings]], now: datetime) -> Situations:
    depending, holding = Depending(known), Holding()
    maintaining = Maintaining(known, config.alerting.maintenance)
    depending.refresh(connection)
    holding.load(connection, now)
    maintaining.load(connection, now)
    return Situations(
        known,
        config.self_healing,
        depending=depending,
        maintaining=maintaining,
        holding=holding,
        held_since=facts.noted_time(connection, facts.HEALING_HELD_SINCE) or now,
    )


def _queued_before(connection: Connection, sid: int, situations: Situations, ill: Mapping[int, Incident], moment: Moment) -> int:
    """Count who gets what there is for few before this one: as in a step of the evaluator, which asks in the same order."""
    moment.queued = 0
    for incident in situations.by_urgency(ill, moment):
        if incident.service_id == sid:
            break
        decision = decide(situations.of(connection, incident.service_id, incident, moment))
        moment.queued += decision.reason in QUEUED
    return moment.queued
