"""The part of the evaluator that plans restarts. When one is planned is decided in heal/policy.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.policy import HealDecision, HealReason, HealVerdict, Situation, charged, decide
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.heal import Heal, HealState
from healthmon.model.status import ServiceStatus
from healthmon.processes.evaluator.outages import QUARANTINE_ALERT
from healthmon.status import machine
from healthmon.store import alerts, facts, heals, incidents, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.incident import Incident
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.watching import Watching
    from healthmon.store.connection import Connection
    from healthmon.store.targets import TargetReport

HOST_WINDOW = timedelta(hours=1)
NEVER_S = 3_600.0
MIN_WAIT_S = 0.05
# What was not switched on is not missed, and what goes well says so itself.
UNSAID = frozenset({HealReason.SWITCHED_OFF, HealReason.IN_PROGRESS, HealReason.NOT_UNHEALTHY})


@dataclass(slots=True, kw_only=True)
class _Moment:
    """What all decisions of one step rest on. The ledger grows with what is planned in it."""

    now: datetime
    watching: Watching
    unhealthy: frozenset[int]
    reports: Mapping[int, TargetReport]
    ledger: list[Heal]
    engine_returned_at: datetime | None


class Planning:
    """Plans; the healer alone touches containers."""

    def __init__(
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        settings: HealSettings,
        log: Log,
        *,
        started_at: datetime,
    ) -> None:
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self._settings = {sid: settings.for_service(configured.heal) for sid, (_, configured) in self._services.items()}
        self._ids = {service.name: sid for sid, (service, _) in self._services.items()}
        self._log = log
        self._started_at = started_at
        self._said: dict[int, tuple[HealVerdict, HealReason]] = {}
        self._planned = False

    def plan(
        self,
        connection: Connection,
        watching: Watching,
        open_incidents: Mapping[int, Incident],
        now: datetime,
    ) -> float:
        """Decide about every service with an incident; return the seconds until time alone may change a decision."""
        incidents_here = {sid: incident for sid, incident in open_incidents.items() if sid in self._services}
        self._said = {sid: said for sid, said in self._said.items() if sid in incidents_here}
        if not incidents_here:
            return NEVER_S
        moment = _read_moment(connection, watching, incidents_here, now)
        waits_s = [self._plan_one(connection, incident, moment) for incident in incidents_here.values()]
        return max(MIN_WAIT_S, min(waits_s))

    def withdraw_needless(
        self,
        connection: Connection,
        watching: Watching,
        open_heals: Mapping[int, Heal],
        now: datetime,
    ) -> set[int]:
        """Drop what is planned for a service that recovered before its restart was made. Return these services."""
        needless = set()
        for sid, heal in open_heals.items():
            state = watching.states.get(sid)
            ill = state is not None and state.status is ServiceStatus.UNHEALTHY
            if heal.state is HealState.PLANNED and not ill:
                heals.close(connection, heal, HealState.DROPPED, at=now, detail="it recovered before the restart")
                needless.add(sid)
        return needless

    def healer_to_wake(self) -> bool:
        """Tell, once, whether something was planned."""
        planned, self._planned = self._planned, False
        return planned

    def _plan_one(self, connection: Connection, incident: Incident, moment: _Moment) -> float:
        _meet_incarnation(incident.service_id, moment)
        situation = self._situation(incident, moment)
        decision = decide(situation)
        self._say(situation, decision)
        if decision.verdict is HealVerdict.QUARANTINE:
            self._quarantine(connection, incident, decision, moment.now)
        heal = _new_heal(situation, decision)
        if heal is not None:
            heals.add(connection, heal)
            moment.ledger.append(heal)
            self._planned = True
        return NEVER_S if decision.until is None else (decision.until - moment.now).total_seconds()

    def _situation(self, incident: Incident, moment: _Moment) -> Situation:
        sid, now, states = incident.service_id, moment.now, moment.watching.states
        _, configured = self._services[sid]
        report = moment.reports.get(sid)
        max_age_s = 2 * configured.interval_seconds + configured.timeout_seconds
        return Situation(
            now=now,
            settings=self._settings[sid],
            confirmations=configured.confirmations,
            evidence_max_age=timedelta(seconds=max_age_s),
            state=states[sid],
            incident=incident,
            target=None if report is None else report.target,
            target_problem="the healer has not looked yet" if report is None else report.problem or "",
            history=tuple(
                heal
                for heal in moment.ledger
                if heal.service_id == sid and heal.planned_at >= incident.episode_started_at
            ),
            host=tuple(heal for heal in moment.ledger if heal.planned_at > now - HOST_WINDOW),
            agent_started_at=self._started_at,
            engine_returned_at=moment.engine_returned_at,
            unhealthy_dependencies=tuple(name for name in configured.depends_on if self._ids.get(name) in moment.unhealthy),
            unhealthy_services=len(moment.unhealthy),
            watched_services=len(states),
        )

    def _say(self, situation: Situation, decision: HealDecision) -> None:
        """Log a decision when it is another than the last one about this service."""
        sid = situation.state.service_id
        said = (decision.verdict, decision.reason)
        if decision.reason in UNSAID or self._said.get(sid) == said:
            return
        self._said[sid] = said
        service, _ = self._services[sid]
        self._log.change(
            f"heal_{decision.verdict.value}",
            service=service.name,
            reason=decision.reason.value,
            detail=decision.detail,
            until=None if decision.until is None else clock.to_iso(decision.until),
            dry_run=situation.settings.dry_run or None,
        )

    def _quarantine(self, connection: Connection, incident: Incident, decision: HealDecision, now: datetime) -> None:
        """Say it once an incident, loudly."""
        if incident.quarantined_at is not None:
            return
        incidents.quarantine(connection, incident.incident_id, at=now)
        service, _ = self._services[incident.service_id]
        message = f"{service.name}: {decision.detail} restarts did not help; a person has to look"
        alert = Alert(
            service_id=service.service_id,
            alert_type=QUARANTINE_ALERT,
            severity=AlertSeverity.CRITICAL,
            message=message,
            triggered_at=now,
        )
        if alerts.fire(connection, alert):
            self._log.error("ALERT", type=QUARANTINE_ALERT, severity=alert.severity.value, message=message)


def _read_moment(
    connection: Connection,
    watching: Watching,
    open_incidents: Mapping[int, Incident],
    now: datetime,
) -> _Moment:
    since = min(incident.episode_started_at for incident in open_incidents.values())
    states = watching.states.values()
    return _Moment(
        now=now,
        watching=watching,
        unhealthy=frozenset(state.service_id for state in states if state.status is ServiceStatus.UNHEALTHY),
        reports=targets.of_services(connection, open_incidents),
        ledger=heals.since(connection, min(since, now - HOST_WINDOW)),
        engine_returned_at=facts.noted_time(connection, facts.ENGINE_RETURNED_AT),
    )


def _meet_incarnation(sid: int, moment: _Moment) -> None:
    """Forget the failures of an earlier incarnation as soon as the present one is known."""
    report = moment.reports.get(sid)
    if report is None or report.target is None or report.target.started_at is None:
        return
    before = moment.watching.states[sid]
    state = machine.meet_incarnation(before, report.target.started_at)
    if state is not before:
        moment.watching.replace_state(state)


def _new_heal(situation: Situation, decision: HealDecision) -> Heal | None:
    """Return the row of the ledger that a decision leads to, if it leads to one."""
    target, incident = situation.target, situation.incident
    if decision.action is None or target is None or incident is None:
        return None
    dry_run = situation.settings.dry_run
    return Heal(
        heal_id=0,
        service_id=situation.state.service_id,
        incident_id=incident.incident_id,
        attempt=len(charged(situation)) + 1,
        action=decision.action,
        state=HealState.WOULD_RESTART if dry_run else HealState.PLANNED,
        incarnation=target.incarnation,
        target_name=target.name,
        stop_timeout_s=target.stop_timeout_s,
        planned_at=situation.now,
        issued_at=situation.now if dry_run else None,
        closed_at=situation.now if dry_run else None,
        detail=decision.reason.value,
    )
