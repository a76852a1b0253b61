"""Are so many services ill at once that restarts are no answer, and whose turn is it then?

    from    on                                                         to
    calm    half of all, and at least three, are ill                   storm
    calm    many fell ill within a minute                              storm
    storm   so few are ill, for a minute                               calm
    storm   what makes them ill was found out: they do not count       calm, at once

In a storm nothing is restarted for five minutes. Then one is, to see whether it helps: when it is verified the next, one
by one; when it is not, nothing more for half an hour, and a person is called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealReason, Passed
from healthmon.heal.policy import GATES
from healthmon.heal.situation import StormStanding
from healthmon.model.heal import OPEN_HEALS, HealState
from healthmon.model.status import ServiceStatus
from healthmon.model.storm import Storm
from healthmon.status import machine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from healthmon.heal.situation import Situation
    from healthmon.model.heal import Heal
    from healthmon.model.status import ServiceState

MIN_ILL = 3
SHARE = 0.5  # of all services, that are ill
ONSET_SHARE = 0.3  # of all services, that fell ill within ONSET
ONSET = timedelta(seconds=60)
CALM = timedelta(seconds=60)
FIRST_AFTER = timedelta(minutes=5)
AGAIN_AFTER = timedelta(minutes=30)  # a cause that lies elsewhere may end meanwhile, and leave what only a restart cures
PROOF = frozenset({HealReason.TOO_FEW_FAILURES, HealReason.STALE_EVIDENCE, HealReason.MIN_UNHEALTHY})
NOT_MADE = frozenset({HealState.DROPPED, HealState.GONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many services are ill that neither a person's hand nor an ill dependency explains; `newly` since ONSET ago."""

    watched: int
    ill: int
    newly: int
    explained: int = 0  # those that an ill dependency explains

    @property
    def is_storm(self) -> bool:
        if self.ill < MIN_ILL:
            return False
        return self.ill >= SHARE * self.watched or self.newly >= max(MIN_ILL, ONSET_SHARE * self.watched)


def take_census(counted: Collection[ServiceState], *, watched: int, explained: int, now: datetime) -> Census:
    """Count the ill that nothing explains, of so many that are watched."""
    newly = sum(now - ONSET < (state.status_since or now) for state in counted)
    return Census(watched=watched, ill=len(counted), newly=newly, explained=explained)


def explains(depended: ServiceState) -> bool:
    """Tell whether a service may be ill because of one that it depends on: that one is ill, or has just failed a look."""
    return depended.status is ServiceStatus.UNHEALTHY or machine.is_soft(depended)


def weather(storm: Storm | None, census: Census, now: datetime) -> Storm | None:
    """Return the storm that there is now, the same with its end when it is over, or None."""
    if storm is None:
        return Storm(storm_id=0, began_at=now, ill=census.ill, watched=census.watched) if census.is_storm else None
    if census.is_storm:
        worst = max(storm, replace(storm, ill=census.ill, watched=census.watched), key=lambda one: one.ill)
        return replace(worst, calm_since=None)
    calm_since = storm.calm_since or now
    is_explained = census.ill + census.explained >= storm.ill
    ended_at = now if is_explained or now - calm_since >= CALM else None
    return replace(storm, calm_since=calm_since, ended_at=ended_at)


def standing(storm: Storm, made: Sequence[Heal], candidates: Iterable[Situation], now: datetime) -> StormStanding:
    """Say whose turn it is.

    `made` are the ledger's rows since it began, oldest first; `candidates` the ill, in the order in which they would be tried.
    """
    tried = [heal for heal in made if heal.state not in NOT_MADE]
    last = tried[-1] if tried else None
    if last is not None and last.state in OPEN_HEALS:
        return _standing(storm, HealReason.STORM_ONE_BY_ONE)
    until, reason = _quiet_until(storm, last)
    if until > now:
        return _standing(storm, reason, until=until)
    return _standing(storm, HealReason.STORM_ONE_BY_ONE, turn=_turn(candidates, tried))


def in_vain(made: Sequence[Heal]) -> Heal | None:
    """Return the last restart of a storm if it did not help: a person has to hear of it."""
    tried = [heal for heal in made if heal.state not in NOT_MADE]
    return tried[-1] if tried and tried[-1].state is HealState.FAILED else None


def _quiet_until(storm: Storm, last: Heal | None) -> tuple[datetime, HealReason]:
    if last is None:
        return storm.began_at + FIRST_AFTER, HealReason.STORM
    if last.state is HealState.VERIFIED:
        return storm.began_at, HealReason.STORM
    return (last.closed_at or last.planned_at) + AGAIN_AFTER, HealReason.STORM_NOT_HELPED


def _turn(candidates: Iterable[Situation], tried: Sequence[Heal]) -> int | None:
    """Return the first that nothing speaks against but that proof is missing: in a storm looks prove nothing.

    Who was tried in this storm comes last: another may tell more.
    """
    before = {heal.service_id for heal in tried}
    in_order = sorted(candidates, key=lambda one: one.state.service_id in before)
    return next((one.state.service_id for one in in_order if _is_ready(one)), None)


def _is_ready(situation: Situation) -> bool:
    answers = (gate.ask(situation) for gate in GATES)
    return all(isinstance(answer, Passed) or answer.reason in PROOF for answer in answers)


def _standing(storm: Storm, reason: HealReason, *, until: datetime | None = None, turn: int | None = None) -> StormStanding:
    return StormStanding(ill=storm.ill, watched=storm.watched, reason=reason, until=until, turn=turn)
