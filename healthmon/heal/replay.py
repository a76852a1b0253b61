"""What would a policy have done? Replays stored looks through the same state machine, storms and gates that decide now.

What a replay cannot know it takes so: every service runs in a container that nobody but us restarts, and whatever it would
have restarted goes on as history has it. A service that recovered within a minute would have done so without us. One that
stayed ill counts as not helped: so the numbers of restarts are the most that there would have been.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealVerdict
from healthmon.heal.order import Turn
from healthmon.heal.policy import VOIDS_EVIDENCE, decide
from healthmon.heal.replay_life import Candidate, Life, WouldRestart
from healthmon.heal.signature import signature
from healthmon.heal.situation import Situation, StormStanding, attempts
from healthmon.heal.storm import Census, explains, standing, take_census, weather
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from healthmon.model.check import Check
    from healthmon.model.heal import Heal
    from healthmon.model.storm import Storm

DAY = timedelta(days=1)


class Replay:
    """Takes looks, and restarts that were made in earnest, in the order of their time."""

    def __init__(self, candidates: Iterable[Candidate], *, began_at: datetime) -> None:
        self._lives = {
            one.service_id: Life(candidate=one, state=ServiceState(service_id=one.service_id), started_at=began_at - DAY) for one in candidates
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
        if life is not None:
            life.was_restarted(at)

    def take(self, check: Check) -> None:
        """Take in one look, and decide about its service as it is then."""
        life = self._lives.get(check.service_id)
        if life is None or life.take_quietly(check):
            return
        now = check.checked_at
        self._closed(life.take(check))
        self._follow_storm(now)
        if life.incident is not None:
            self._decide(life, now)

    def _decide(self, life: Life, now: datetime) -> None:
        self._closed(life.judge(now))
        decision = decide(self._situation(life, now, self._standing(now)))
        if decision.reason in VOIDS_EVIDENCE:
            life.state = machine.without_evidence(life.state)
        if decision.verdict is HealVerdict.QUARANTINE:
            life.give_up()
        if decision.verdict is HealVerdict.ACT:
            self._heal_id += 1
            attempt = len(attempts(self._situation(life, now, None))) + 1
            heal = life.restart(self._heal_id, attempt, decision, now)
            self._host = [one for one in self._host if now - one.planned_at < DAY] + [heal]

    def _closed(self, heal: Heal | None) -> None:
        if heal is not None:
            self._host = [heal if row.heal_id == heal.heal_id else row for row in self._host]

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

    def _turn(self, life: Life) -> Turn:
        sid = life.candidate.service_id
        is_root = any(sid in other.candidate.depends_on for other in self._lives.values() if other.incident is not None)
        since = self._began_at if life.incident is None else life.incident.started_at
        return Turn(service_id=sid, critical=life.candidate.critical, is_root=is_root, since=since)

    def _census(self, now: datetime) -> Census:
        ill = [life for life in self._lives.values() if life.state.status is ServiceStatus.UNHEALTHY]
        counted = [life.state for life in ill if not self._is_explained(life)]
        return take_census(counted, watched=len(self._lives), explained=len(ill) - len(counted), now=now)

    def _is_explained(self, life: Life) -> bool:
        return any(explains(self._lives[other].state) for other in life.candidate.depends_on if other in self._lives)

    def _situation(self, life: Life, now: datetime, storm: StormStanding | None) -> Situation:
        candidate = life.candidate
        target = life.target()
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
