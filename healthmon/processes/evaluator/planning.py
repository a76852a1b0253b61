"""The part of the evaluator that plans restarts. When one is planned is decided in heal/policy.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.decision import HealDecision, HealReason, HealVerdict
from healthmon.heal.policy import VOIDS_EVIDENCE, decide
from healthmon.heal.signature import signature
from healthmon.heal.situation import Situation, attempts
from healthmon.heal.storm import in_vain
from healthmon.heal.words import in_words
from healthmon.model.alert import HEALING_STORM, AlertSeverity
from healthmon.model.heal import Heal, HealState
from healthmon.model.status import ServiceStatus
from healthmon.processes.evaluator.moment import Moment, read_moment
from healthmon.processes.evaluator.situations import Situations
from healthmon.processes.evaluator.storming import Storming
from healthmon.status import machine
from healthmon.store import heals, probe_requests, quarantines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.incident import Incident
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.processes.evaluator.holding import Holding
    from healthmon.processes.evaluator.judging import Judging
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.processes.evaluator.outages import Outages
    from healthmon.processes.evaluator.quarantining import Quarantining
    from healthmon.processes.evaluator.watching import Watching
    from healthmon.store.connection import Connection

NEVER_S = 3_600.0
MIN_WAIT_S = 0.05
LOOKS_ASKED_FOR = 5
# What was not switched on is not missed, and what goes well says so itself.
UNSAID = frozenset({HealReason.SWITCHED_OFF, HealReason.IN_PROGRESS, HealReason.NOT_UNHEALTHY})

QUEUED = frozenset({HealReason.HOST_BUDGET, HealReason.CONCURRENCY})  # its turn will come: others go first


class Planning:
    """Plans; the healer alone touches containers."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        settings: HealSettings,
        maintaining: Maintaining,
        log: Log,
        *,
        depending: Depending,
        holding: Holding,
        quarantining: Quarantining,
        started_at: datetime,
    ) -> None:
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self.situations = Situations(
            self._services.values(), settings, depending=depending, maintaining=maintaining, holding=holding, held_since=started_at
        )
        self._storming = Storming(settings, log)
        self._quarantining = quarantining
        self._maintaining = maintaining
        self._log = log
        self._said: dict[int, tuple[HealVerdict, HealReason]] = {}
        self._to_wake: set[str] = set()

    def hold_from(self, now: datetime) -> None:
        """Plan nothing for as long as after a start of the agent."""
        self.situations.held_since = now

    def load(self, connection: Connection) -> None:
        self._storming.load(connection)

    @property
    def is_in_storm(self) -> bool:
        return self._storming.storm is not None

    def succeed(self, before: Planning) -> None:
        """Go on for another one, and say nothing again that it said."""
        self._said = dict(before._said)

    @property
    def held_since(self) -> datetime:
        return self.situations.held_since

    def plan(
        self,
        connection: Connection,
        watching: Watching,
        outages: Outages,
        judging: Judging,
        now: datetime,
    ) -> float:
        """Decide about every service with an incident; return the seconds until time alone may change a decision."""
        self._said = {sid: said for sid, said in self._said.items() if sid in outages.open}
        if not outages.open and not self.is_in_storm:
            return NEVER_S
        moment = read_moment(connection, watching.states, outages.open, judging.open, now)
        self._follow_storm(connection, outages, moment)
        waits_s = [self._plan_one(connection, incident, moment, watching, outages) for incident in self.situations.by_urgency(outages.open, moment)]
        return max(MIN_WAIT_S, min(waits_s, default=NEVER_S))

    def withdraw_needless(
        self,
        connection: Connection,
        watching: Watching,
        open_heals: Mapping[int, Heal],
        now: datetime,
    ) -> set[int]:
        """Drop what is planned for a service that is not unhealthy any more, or worked on. Return these services."""
        needless = set()
        for sid, heal in open_heals.items():
            state = watching.states.get(sid)
            became = "not watched any more" if state is None else state.status.value
            if self._maintaining.standing(sid, now).until is not None:
                became = "in maintenance"
            if heal.asked_by is None and heal.state is HealState.PLANNED and became != ServiceStatus.UNHEALTHY.value:
                heals.close(connection, heal, HealState.DROPPED, at=now, detail=f"the service is {became}")
                needless.add(sid)
        return needless

    def programs_to_wake(self) -> set[str]:
        """Return, once, the programs that what was planned concerns."""
        programs, self._to_wake = self._to_wake, set()
        return programs

    def _follow_storm(self, connection: Connection, outages: Outages, moment: Moment) -> None:
        self._storming.follow(connection, self.situations.census(moment), moment.now)
        storm, moment.storm = self._storming.storm, None
        if storm is None:
            return
        missed = in_vain(self.situations.meet(storm, connection, outages.open, moment))
        if missed is not None and outages.call_person(connection, missed.service_id, since=missed.closed_at or moment.now, now=moment.now):
            message = f"so many services are unhealthy at once, and a restart did not help {missed.target_name}; a person has to look"
            self._log.error("ALERT", type=HEALING_STORM, severity=AlertSeverity.CRITICAL.value, message=message)

    def _plan_one(self, connection: Connection, incident: Incident, moment: Moment, watching: Watching, outages: Outages) -> float:
        sid = incident.service_id
        _meet_incarnation(sid, moment, watching)
        situation = self.situations.of(connection, sid, incident, moment)
        decision = decide(situation)
        if self._quarantining.follow(connection, self._services[sid][0].name, situation, decision):
            situation = self.situations.of(connection, sid, outages.open[sid], moment)
            decision = decide(situation)
        self._say(situation, decision)
        outages.note_healing(connection, sid, in_words(decision, dry_run=situation.settings.dry_run), decision.reason)
        if decision.reason in VOIDS_EVIDENCE and situation.state.evidence_failures:
            watching.replace_state(machine.without_evidence(situation.state))
        if decision.reason is HealReason.SERVICE_BUDGET and not situation.settings.dry_run:
            outages.call_person(connection, sid, since=incident.started_at, now=moment.now)
        if decision.verdict is HealVerdict.LOOK:
            self._ask_for_looks(connection, situation)
        heal = _new_heal(situation, decision)
        if decision.reason in QUEUED:
            moment.queued += 1
        if heal is not None:
            quarantines.outlive(connection, sid)
            moment.planned(replace(heal, heal_id=heals.add(connection, heal)))
            self._to_wake.add("healer")
        return NEVER_S if decision.until is None else (decision.until - moment.now).total_seconds()

    def _ask_for_looks(self, connection: Connection, situation: Situation) -> None:
        """Ask for some looks in a row, unless they are asked for already."""
        sid, now = situation.state.service_id, situation.now
        _, configured = self._services[sid]
        asked_until = probe_requests.asked_until(connection, sid)
        if asked_until is not None and now < asked_until <= now + LOOKS_ASKED_FOR * situation.evidence_max_age:
            return
        every_s = configured.retry_interval_seconds
        until = now + timedelta(seconds=LOOKS_ASKED_FOR * every_s + configured.timeout_seconds)
        probe_requests.ask(connection, sid, every_s=every_s, until=until)
        self._to_wake.add(configured.program)

    def _say(self, situation: Situation, decision: HealDecision) -> None:
        """Log a decision when it is another than the last one about this service."""
        sid = situation.state.service_id
        said = (decision.verdict, decision.reason)
        if decision.reason in UNSAID or self._said.get(sid) == said:
            return
        self._said[sid] = said
        service, _ = self._services[sid]
        write = self._log.warning if decision.verdict is HealVerdict.NEEDS_PERSON else self._log.change
        write(
            f"heal_{decision.verdict.value}",
            service=service.name,
            reason=decision.reason.value,
            detail=decision.detail,
            until=None if decision.until is None else clock.to_iso(decision.until),
            dry_run=situation.settings.dry_run or None,
        )


def _meet_incarnation(sid: int, moment: Moment, watching: Watching) -> None:
    """Forget the failures of an earlier incarnation, or another container, as soon as the present one is known."""
    target = moment.target(sid)
    if target is None or target.started_at is None:
        return
    matched_since = moment.reports[sid].matched_since or target.started_at
    before = watching.states[sid]
    state = machine.meet_incarnation(before, max(target.started_at, matched_since))
    if state is not before:
        watching.replace_state(state)


def _new_heal(situation: Situation, decision: HealDecision) -> Heal | None:
    """Return the row of the ledger that a decision leads to, if it leads to one."""
    target, incident = situation.target, situation.incident
    if decision.action is None or target is None or incident is None:
        return None
    dry_run = situation.settings.dry_run
    failure = signature(situation.state, target)
    return Heal(
        heal_id=0,
        service_id=situation.state.service_id,
        incident_id=incident.incident_id,
        attempt=len(attempts(situation)) + 1,
        action=decision.action,
        state=HealState.WOULD_RESTART if dry_run else HealState.PLANNED,
        incarnation=target.incarnation,
        target_name=target.name,
        stop_timeout_s=target.stop_timeout_s,
        planned_at=situation.now,
        issued_at=situation.now if dry_run else None,
        closed_at=situation.now if dry_run else None,
        detail=decision.reason.value,
        signature=failure.key,
        failure=failure.text,
    )
