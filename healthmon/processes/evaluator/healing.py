"""The part of the evaluator that plans heals and judges whether they helped. What it decides is in heal/."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.policy import HealDecision, HealVerdict, Situation, charged, decide
from healthmon.heal.verification import judge
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.heal import Heal, HealState
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.processes.evaluator.outages import QUARANTINE_ALERT
from healthmon.status import machine
from healthmon.store import alerts, checks, facts, heals, incidents, probe_requests, targets

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
LOOKS_JUDGED = 50
NEVER_S = 3_600.0


class Healing:
    """Plans and judges; the healer alone touches containers."""

    def __init__(
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        settings: HealSettings,
        log: Log,
        *,
        started_at: datetime,
    ) -> None:
        self._services = {service.service_id: service for service, _ in services}
        self._configured = {service.service_id: configured for service, configured in services}
        self._settings = {sid: settings.for_service(s.heal) for sid, s in self._configured.items()}
        self._ids = {service.name: sid for sid, service in self._services.items()}
        self._log = log
        self._started_at = started_at
        self.open: dict[int, Heal] = {}
        self._said: dict[int, tuple[str, str]] = {}
        self._asked: set[int] = set()
        self._wake: set[str] = set()

    def load(self, connection: Connection) -> None:
        self.open = {heal.service_id: heal for heal in heals.open_heals(connection)}
        self._asked.clear()

    def programs_to_wake(self) -> set[str]:
        """Return, once, the programs that what was just committed concerns."""
        wake, self._wake = self._wake, set()
        return wake

    def judge(self, connection: Connection, now: datetime) -> None:
        """Judge the heals that have returned, by the looks at the new incarnation."""
        self.open = {heal.service_id: heal for heal in heals.open_heals(connection)}
        if not self.open:
            return
        reports = targets.load(connection)
        for heal in list(self.open.values()):
            if heal.state is HealState.RETURNED and heal.service_id in self._services:
                self._judge_one(connection, heal, reports.get(heal.service_id), now)

    def plan(
        self,
        connection: Connection,
        watching: Watching,
        open_incidents: Mapping[int, Incident],
        now: datetime,
    ) -> float:
        """Decide about every service with an incident; return the seconds until one may be decided differently."""
        self._withdraw_needless(connection, watching.states, now)
        if not open_incidents:
            self._said.clear()
            return NEVER_S
        reports = targets.load(connection)
        since = min(incident.episode_started_at for incident in open_incidents.values())
        ledger = heals.since(connection, min(since, now - HOST_WINDOW))
        engine_returned_at = facts.noted_time(connection, facts.ENGINE_RETURNED_AT)
        until_s = NEVER_S
        for sid, incident in open_incidents.items():
            if sid not in self._services:
                continue
            self._meet(watching, sid, reports.get(sid))
            situation = self._situation(sid, incident, watching, reports.get(sid), ledger, engine_returned_at, now)
            decision = decide(situation)
            planned = self._carry_out(connection, situation, decision)
            if planned is not None:
                ledger.append(planned)
            if decision.until is not None:
                until_s = min(until_s, (decision.until - now).total_seconds())
        return max(0.05, until_s)

    def _judge_one(self, connection: Connection, heal: Heal, report: TargetReport | None, now: datetime) -> None:
        sid, returned_at = heal.service_id, heal.returned_at or now
        verdict = judge(
            heal,
            looks=checks.looks_since(connection, sid, returned_at, limit=LOOKS_JUDGED),
            target=None if report is None else report.target,
            settings=self._settings[sid],
            now=now,
        )
        if verdict.state is None:
            self._ask(connection, heal, verdict.until)
            return
        heals.close(connection, heal, verdict.state, at=now, detail=verdict.detail)
        probe_requests.withdraw(connection, sid)
        del self.open[sid]
        write = self._log.change if verdict.state is HealState.VERIFIED else self._log.warning
        write(f"heal_{verdict.state.value}", service=self._services[sid].name, attempt=heal.attempt, detail=verdict.detail)

    def _ask(self, connection: Connection, heal: Heal, until: datetime) -> None:
        if heal.heal_id in self._asked:
            return
        configured = self._configured[heal.service_id]
        every_s = max(0.1, configured.retry_interval_seconds)
        probe_requests.ask(connection, heal.service_id, every_s=every_s, until=until)
        self._asked.add(heal.heal_id)
        self._wake.add(f"probe-{configured.group}")

    def _withdraw_needless(self, connection: Connection, states: Mapping[int, ServiceState], now: datetime) -> None:
        """A service that recovered before its restart was made is not restarted."""
        for sid, heal in list(self.open.items()):
            state = states.get(sid)
            if heal.state is HealState.PLANNED and (state is None or state.status is not ServiceStatus.UNHEALTHY):
                if heals.close(connection, heal, HealState.DROPPED, at=now, detail="it recovered before the restart"):
                    del self.open[sid]

    def _meet(self, watching: Watching, sid: int, report: TargetReport | None) -> None:
        if report is None or report.target is None or report.target.started_at is None:
            return
        before = watching.states[sid]
        state = machine.meet_incarnation(before, report.target.started_at)
        if state is not before:
            watching.replace_state(state)

    def _situation(  # noqa: PLR0913  the facts of one decision come from as many places
        self,
        sid: int,
        incident: Incident,
        watching: Watching,
        report: TargetReport | None,
        ledger: list[Heal],
        engine_returned_at: datetime | None,
        now: datetime,
    ) -> Situation:
        states, configured = watching.states, self._configured[sid]
        unhealthy = {other for other, state in states.items() if state.status is ServiceStatus.UNHEALTHY}
        age_s = 2 * configured.interval_seconds + configured.timeout_seconds
        return Situation(
            now=now,
            settings=self._settings[sid],
            confirmations=configured.confirmations,
            evidence_max_age=timedelta(seconds=age_s),
            state=states[sid],
            incident=incident,
            target=None if report is None else report.target,
            target_problem="the healer has not looked yet" if report is None else report.problem or "",
            history=tuple(
                heal for heal in ledger if heal.service_id == sid and heal.planned_at >= incident.episode_started_at
            ),
            host=tuple(heal for heal in ledger if heal.planned_at > now - HOST_WINDOW),
            agent_started_at=self._started_at,
            engine_returned_at=engine_returned_at,
            unhealthy_dependencies=tuple(name for name in configured.depends_on if self._ids.get(name) in unhealthy),
            unhealthy_services=len(unhealthy),
            watched_services=len(states),
        )

    def _carry_out(self, connection: Connection, situation: Situation, decision: HealDecision) -> Heal | None:
        self._say(situation, decision)
        if decision.verdict is HealVerdict.QUARANTINE:
            self._quarantine(connection, situation, decision)
        if decision.verdict is not HealVerdict.ACT or decision.action is None:
            return None
        heal = _new_heal(situation, decision)
        if heal is None:
            return None
        heals.add(connection, heal)
        if heal.state is HealState.PLANNED:
            self.open[heal.service_id] = heal
            self._wake.add("healer")
        return heal

    def _say(self, situation: Situation, decision: HealDecision) -> None:
        """Log a decision when it is another than the last one about this service."""
        sid = situation.state.service_id
        said = (decision.verdict.value, decision.reason.value)
        if self._said.get(sid) == said:
            return
        self._said[sid] = said
        until = "" if decision.until is None else decision.until.isoformat(timespec="seconds")
        self._log.change(
            f"heal_{decision.verdict.value}",
            service=self._services[sid].name,
            reason=decision.reason.value,
            detail=decision.detail,
            until=until,
            dry_run=situation.settings.dry_run,
        )

    def _quarantine(self, connection: Connection, situation: Situation, decision: HealDecision) -> None:
        incident, sid = situation.incident, situation.state.service_id
        if incident is None or incident.quarantined_at is not None:
            return
        incidents.quarantine(connection, incident.incident_id, at=situation.now)
        message = f"{self._services[sid].name}: {decision.detail} restarts did not help; a person has to look"
        alert = Alert(
            service_id=sid,
            alert_type=QUARANTINE_ALERT,
            severity=AlertSeverity.CRITICAL,
            message=message,
            triggered_at=situation.now,
        )
        if alerts.fire(connection, alert):
            self._log.error("ALERT", type=QUARANTINE_ALERT, severity=alert.severity.value, message=message)


def _new_heal(situation: Situation, decision: HealDecision) -> Heal | None:
    target, incident = situation.target, situation.incident
    if target is None or incident is None or decision.action is None:
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
