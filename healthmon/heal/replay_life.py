"""How has one service fared in a replay so far: its looks, its outages, and the restarts that it would have had?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.heal.learning import SOON
from healthmon.heal.signature import signature
from healthmon.heal.verification import AFTER_GRACE
from healthmon.model.check import Check, CheckStatus
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.incident import Incident
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetState
from healthmon.status import machine
from healthmon.status.machine import StatusEvent

if TYPE_CHECKING:
    from healthmon.heal.decision import HealDecision
    from healthmon.heal.settings import HealSettings


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
class Life:
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

    def take_quietly(self, check: Check) -> bool:
        """Take in a good look at what has been well all along, as nearly all are; return whether that was all."""
        state = self.state
        quiet = state.status is ServiceStatus.HEALTHY and state.streak_started_at is None and not state.unknown_looks
        if self.incident is not None or not quiet or check.status is not CheckStatus.HEALTHY:
            return False
        self.state = replace(state, last_checked_at=check.checked_at, last_healthy_at=check.checked_at)
        return True

    def take(self, check: Check) -> Heal | None:
        """Move the state by one look; return the restart that is closed with that, if one is."""
        before, now = self.state, check.checked_at
        if before.last_checked_at is not None and now - before.last_checked_at > self.candidate.max_gap:
            before = machine.lose_sight(before, at=now).state
        step = machine.advance(before, check, confirmations=self.candidate.confirmations)
        self.state = step.state
        if step.event is StatusEvent.UNHEALTHY and self.incident is None:
            self._begin(now)
        elif step.event is StatusEvent.HEALTHY and self.incident is not None:
            return self._end(now)
        return None

    def was_restarted(self, at: datetime) -> None:
        """Take in a restart that was made in earnest: what was seen before says nothing of the new run."""
        self.started_at, self.runs = at, self.runs + 1
        self.state = machine.meet_incarnation(self.state, at)
        for one in self.would:
            one.was_restarted = one.was_restarted or one.recovered_at is None

    def restart(self, heal_id: int, attempt: int, decision: HealDecision, now: datetime) -> Heal:
        """Note a restart that would have been made now."""
        target = self.target()
        failure = signature(self.state, target)
        heal = Heal(
            heal_id=heal_id,
            service_id=self.candidate.service_id,
            incident_id=self.outages,
            attempt=attempt,
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
        self.made.append(heal)
        self.of_failure.setdefault(failure.key, []).append(heal)
        self.would.append(WouldRestart(service_id=self.candidate.service_id, at=now, failure=failure.text))
        self.started_at, self.runs = now, self.runs + 1
        self.state = machine.without_evidence(self.state)
        return heal

    def give_up(self) -> None:
        if not self.has_given_up:
            self.has_given_up, self.gave_up = True, self.gave_up + 1

    def judge(self, now: datetime) -> Heal | None:
        """Close a restart that did not help in its time; return it."""
        if not self.made or self.made[-1].state is not HealState.RETURNED:
            return None
        grace = timedelta(seconds=self.candidate.settings.start_grace_seconds)
        is_over = now >= self.made[-1].planned_at + grace + AFTER_GRACE
        return self._close_last(HealState.FAILED, now) if is_over else None

    def target(self) -> Target:
        """Return the container that a replay takes for granted."""
        return Target(
            kind=TargetKind.DOCKER,
            incarnation=Incarnation(target_id=str(self.candidate.service_id), started=str(self.runs)),
            name=self.candidate.name,
            state=TargetState.RUNNING,
            health=TargetHealth.NONE,
            started_at=self.started_at,
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
            observed_at=self.started_at,
        )

    def _begin(self, now: datetime) -> None:
        since = self.state.streak_started_at or now
        settings = self.candidate.settings
        if self.resolved_at is None or since - self.resolved_at >= timedelta(minutes=settings.reset_after_minutes):
            self.made.clear()
        self.outages += 1
        self.has_given_up = False
        self.incident = Incident(
            incident_id=self.outages,
            service_id=self.candidate.service_id,
            started_at=since,
            detected_at=now,
            episode_started_at=since,
            reason=self.state.last_reason,
            error_message=self.state.last_error,
        )

    def _end(self, now: datetime) -> Heal | None:
        self.incident, self.resolved_at = None, now
        for one in self.would:
            one.recovered_at = one.recovered_at or now
        return self._close_last(HealState.VERIFIED, now)

    def _close_last(self, state: HealState, now: datetime) -> Heal | None:
        if not self.made or self.made[-1].state is not HealState.RETURNED:
            return None
        closed = replace(self.made[-1], state=state, closed_at=now)
        for rows in (self.made, self.of_failure[closed.signature]):
            rows[:] = [closed if row.heal_id == closed.heal_id else row for row in rows]
        return closed
