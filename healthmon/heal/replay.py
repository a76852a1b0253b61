"""What would a policy have done? Replays stored looks through the same state machine, storms and gates that decide now.

What a replay cannot know it takes so: every service runs in a container that nobody but us restarts, and whatever it would
have restarted goes on as history has it. A service that recovered within a minute would have done so without us. One that
stayed ill counts as not helped: so the numbers of restarts are the most that there would have been.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealVerdict
from healthmon.heal.learning import SOON
from healthmon.heal.order import Turn
from healthmon.heal.policy import VOIDS_EVIDENCE, decide
from healthmon.heal.signature import signature
from healthmon.heal.situation import Situation, attempts
from healthmon.heal.storm import ONSET, Census, standing, weather
from healthmon.heal.verification import AFTER_GRACE
from healthmon.model.check import Check, CheckStatus
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.incident import Incident
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetState
from healthmon.status import machine
from healthmon.status.machine import StatusEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from healthmon.heal.decision import HealDecision
    from healthmon.heal.settings import HealSettings
    from healthmon.heal.storm import StormStanding
    from healthmon.model.storm import Storm

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a policy knows of one service. `max_gap` is how long a look is believed."""

    service_id: int
    name: str
    critical: bool
    settings: HealSettings
    confirmations: int
    evidence_max_age: timedelta
    max_gap: timedelta
    depends_on: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class WouldRestart:
    """A restart that the policy would have made. `recovered_at` is when history has the service healthy again."""

    service_id: int
    at: datetime
    failure: str
    recovered_at: datetime | None = None
    was_restarted: bool = False  # in between it was restarted in earnest: nobody knows what it would have done by itself

    @property
    def is_needless(self) -> bool:
        """It recovered by itself, soon."""
        return not self.was_restarted and self.recovered_at is not None and self.recovered_at - self.at <= SOON


@dataclass(slots=True, kw_only=True)
class _Life:
    """One service, as far as the replay has come."""

    candidate: Candidate
    state: ServiceState
    started_at: datetime
    runs: int = 1
    outages: int = 0
    incident: Incident | None = None
    resolved_at: datetime | None = None
    made: list[Heal] = field(default_factory=list)  # in this episode
    of_failure: dict[str, list[Heal]] = field(default_factory=dict)
    would: list[WouldRestart] = field(default_factory=list)
    gave_up: int = 0  # outages in which healing would have given up
    has_given_up: bool = False


class Replay:
    """Takes looks, and restarts that were made in earnest, in the order of their time."""

    def __init__(self, candidates: Iterable[Candidate], *, began_at: datetime) -> None:
        self._lives = {
            one.service_id: _Life(candidate=one, state=ServiceState(service_id=one.service_id), started_at=began_at - DAY) for one in candidates
        }
        self._began_at = began_at
        self._host: list[Heal] = []
        self._storm: Storm | None = None
        self._storm_guard = any(life.candidate.settings.storm_guard for life in self._lives.values())
        self._heal_id = 0
        self.storms = 0

    def results(self) -> Iterator[tuple[Candidate, int, int, list[WouldRestart]]]:
        """Yield each service, its outages, in how many of them healing would have given up, and its restarts."""
        for life in self._lives.values():
            yield life.candidate, life.outages, life.gave_up, life.would

    def restarted(self, service_id: int, at: datetime) -> None:
        """Take in that a service was restarted in earnest: what was seen before says nothing of its new run."""
        life = self._lives.get(service_id)
        if life is None:
            return
        life.started_at, life.runs = at, life.runs + 1
        life.state = machine.meet_incarnation(life.state, at)
        for one in life.would:
            one.was_restarted = one.was_restarted or one.recovered_at is None

    def take(self, check: Check) -> None:
        """Take in one look, and decide about its service as it is then."""
        life = self._lives.get(check.service_id)
        if life is None:
            return
        before, now = life.state, check.checked_at
        if life.incident is None and _is_quiet(before) and check.status is CheckStatus.HEALTHY:
            life.state = replace(before, last_checked_at=now, last_healthy_at=now)
            return
        if before.last_checked_at is not None and now - before.last_checked_at > life.candidate.max_gap:
            before = machine.lose_sight(before, at=now).state
        step = machine.advance(before, check, confirmations=life.candidate.confirmations)
        life.state = step.state
        if step.event is StatusEvent.UNHEALTHY and life.incident is None:
            self._begin(life, now)
        elif step.event is StatusEvent.HEALTHY and life.incident is not None:
            self._end(life, now)
        self._follow_storm(now)
        if life.incident is not None:
            self._decide(life, now)

    def _begin(self, life: _Life, now: datetime) -> None:
        since = life.state.streak_started_at or now
        settings = life.candidate.settings
        if life.resolved_at is None or since - life.resolved_at >= timedelta(minutes=settings.reset_after_minutes):
            life.made.clear()
        life.outages += 1
        life.has_given_up = False
        life.incident = Incident(
            incident_id=life.outages,
            service_id=life.candidate.service_id,
            started_at=since,
            detected_at=now,
            episode_started_at=since,
            reason=life.state.last_reason,
            error_message=life.state.last_error,
        )

    def _end(self, life: _Life, now: datetime) -> None:
        life.incident, life.resolved_at = None, now
        self._close_last(life, HealState.VERIFIED, now)
        for one in life.would:
            one.recovered_at = one.recovered_at or now

    def _decide(self, life: _Life, now: datetime) -> None:
        self._judge(life, now)
        decision = decide(self._situation(life, now, self._standing(now)))
        if decision.reason in VOIDS_EVIDENCE:
            life.state = machine.without_evidence(life.state)
        if decision.verdict is HealVerdict.QUARANTINE and not life.has_given_up:
            life.has_given_up, life.gave_up = True, life.gave_up + 1
        if decision.verdict is HealVerdict.ACT:
            self._restart(life, decision, now)

    def _restart(self, life: _Life, decision: HealDecision, now: datetime) -> None:
        target = _target(life)
        failure = signature(life.state, target)
        self._heal_id += 1
        heal = Heal(
            heal_id=self._heal_id,
            service_id=life.candidate.service_id,
            incident_id=life.outages,
            attempt=len(attempts(self._situation(life, now, None))) + 1,
            action=HealAction.RESTART,
            state=HealState.RETURNED,
            incarnation=target.incarnation,
            target_name=target.name,
            stop_timeout_s=target.stop_timeout_s,
            planned_at=now,
            issued_at=now,
            returned_at=now,
            detail=decision.reason.value,
            signature=failure.key,
            failure=failure.text,
        )
        life.made.append(heal)
        life.of_failure.setdefault(failure.key, []).append(heal)
        self._host = [one for one in self._host if now - one.planned_at < DAY] + [heal]
        life.would.append(WouldRestart(service_id=life.candidate.service_id, at=now, failure=failure.text))
        life.started_at, life.runs = now, life.runs + 1
        life.state = machine.without_evidence(life.state)

    def _judge(self, life: _Life, now: datetime) -> None:
        """Close a restart that did not help in its time."""
        if not life.made or life.made[-1].state is not HealState.RETURNED:
            return
        grace = timedelta(seconds=life.candidate.settings.start_grace_seconds)
        if now >= life.made[-1].planned_at + grace + AFTER_GRACE:
            self._close_last(life, HealState.FAILED, now)

    def _close_last(self, life: _Life, state: HealState, now: datetime) -> None:
        if not life.made or life.made[-1].state is not HealState.RETURNED:
            return
        before, after = life.made[-1], replace(life.made[-1], state=state, closed_at=now)
        for rows in (life.made, life.of_failure[before.signature], self._host):
            rows[:] = [after if row.heal_id == before.heal_id else row for row in rows]

    def _follow_storm(self, now: datetime) -> None:
        if not self._storm_guard:
            return
        before = self._storm
        self._storm = weather(before, self._census(now), now)
        self.storms += before is None and self._storm is not None
        if self._storm is not None and self._storm.ended_at is not None:
            self._storm = None

    def _standing(self, now: datetime) -> StormStanding | None:
        if self._storm is None:
            return None
        made = [heal for heal in self._host if heal.planned_at >= self._storm.began_at]
        ill = [life for life in self._lives.values() if life.incident is not None]
        turns = sorted((self._turn(life) for life in ill), key=Turn.harmlessness)
        candidates = (self._situation(self._lives[turn.service_id], now, None) for turn in turns)
        return standing(self._storm, made, candidates, now)

    def _turn(self, life: _Life) -> Turn:
        sid = life.candidate.service_id
        is_root = any(sid in other.candidate.depends_on for other in self._lives.values() if other.incident is not None)
        since = self._began_at if life.incident is None else life.incident.started_at
        return Turn(service_id=sid, critical=life.candidate.critical, is_root=is_root, since=since)

    def _census(self, now: datetime) -> Census:
        ill = [life for life in self._lives.values() if life.state.status is ServiceStatus.UNHEALTHY]
        counted = [life for life in ill if not self._is_explained(life)]
        newly = sum(now - ONSET < (life.state.status_since or now) for life in counted)
        return Census(watched=len(self._lives), ill=len(counted), newly=newly, explained=len(ill) - len(counted))

    def _is_explained(self, life: _Life) -> bool:
        depended = (self._lives[other].state for other in life.candidate.depends_on if other in self._lives)
        return any(state.status is ServiceStatus.UNHEALTHY or machine.is_soft(state) for state in depended)

    def _situation(self, life: _Life, now: datetime, storm: StormStanding | None) -> Situation:
        candidate = life.candidate
        target = _target(life)
        return Situation(
            now=now,
            settings=candidate.settings,
            confirmations=candidate.confirmations,
            evidence_max_age=candidate.evidence_max_age,
            state=life.state,
            incident=life.incident,
            target=target,
            target_problem="",
            history=tuple(life.made),
            host=tuple(self._host),
            agent_started_at=self._began_at,
            engine_returned_at=None,
            unhealthy_dependencies=self._ill_dependencies(candidate),
            unhealthy_services=0,
            watched_services=len(self._lives),
            storm=storm,
            same_failure=tuple(life.of_failure.get(signature(life.state, target).key, ())),
        )

    def _ill_dependencies(self, candidate: Candidate) -> tuple[str, ...]:
        depended = (self._lives[other] for other in candidate.depends_on if other in self._lives)
        return tuple(life.candidate.name for life in depended if life.state.status is ServiceStatus.UNHEALTHY)


def _is_quiet(state: ServiceState) -> bool:
    return state.status is ServiceStatus.HEALTHY and state.streak_started_at is None and not state.unknown_looks


def _target(life: _Life) -> Target:
    """Return the container that a replay takes for granted."""
    return Target(
        kind=TargetKind.DOCKER,
        incarnation=Incarnation(target_id=str(life.candidate.service_id), started=str(life.runs)),
        name=life.candidate.name,
        state=TargetState.RUNNING,
        health=TargetHealth.NONE,
        started_at=life.started_at,
        image_id="",
        config_hash="",
        compose_project="",
        compose_service="",
        restart_policy="no",
        restart_limit=0,
        restart_count=0,
        exit_code=0,
        oom_killed=False,
        error="",
        stop_timeout_s=10,
        published_ports=(),
        stopped_by_person=False,
        untouchable="",
        observed_at=life.started_at,
    )
