"""What does a healing decision rest on?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.model.heal import CHARGED_HEALS, Heal, HealState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.heal.decision import HealReason
    from healthmon.heal.settings import HealSettings
    from healthmon.heal.starting import Renewal
    from healthmon.model.hold import Hold
    from healthmon.model.incident import Incident
    from healthmon.model.quarantine import Quarantine
    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class StormStanding:
    """How a storm stands before the gates. It is the turn of `turn` alone, or nobody's until `until`, or somebody is at it."""

    ill: int
    watched: int
    reason: HealReason  # for everybody else
    until: datetime | None = None
    turn: int | None = None  # a service_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that a decision rests on. `history` and `host` are ledger rows, oldest first."""

    now: datetime
    settings: HealSettings
    confirmations: int
    evidence_max_age: timedelta  # of the last failed look, at the moment of acting
    state: ServiceState
    incident: Incident | None
    target: Target | None
    target_problem: str
    history: tuple[Heal, ...]  # of this service in this episode, and of its target, whoever it was for
    host: tuple[Heal, ...]  # of every service, of the last day
    agent_started_at: datetime
    engine_returned_at: datetime | None
    unhealthy_dependencies: tuple[str, ...]  # or those whose own heal is not verified yet
    unhealthy_services: int
    watched_services: int
    is_engine_away: bool = False
    host_pressure: str = ""  # of what the host is short
    storm: StormStanding | None = None
    learned_grace_s: float = 0.0  # what earlier starts of its image teach
    renewal: Renewal | None = None  # since when it has another container, image or configuration, where that was seen
    foreign_starts: int = 0  # of its container in the last ten minutes, not by us
    maintenance_until: datetime | None = None  # a person works on the service
    hold: Hold | None = None  # a person wants it left alone
    quarantine: Quarantine | None = None  # the last of this service, over or not
    same_failure: tuple[Heal, ...] = ()  # made for the failure that it has now, in all its incidents, since it was rearmed
    queued_ahead: int = 0  # services that get a restart of the host's budget before this one


def charged(situation: Situation) -> tuple[Heal, ...]:
    """Return the attempts of this episode that count."""
    return tuple(heal for heal in situation.history if counts(heal, situation.settings))


def attempts(situation: Situation) -> tuple[Heal, ...]:
    """Return the attempts that use up what one incident gets: those since healing was last given another try."""
    held = situation.quarantine
    after = held.last_heal_id if held is not None and held.rearmed_by is not None else 0
    return tuple(heal for heal in charged(situation) if heal.heal_id > after)


def counts(heal: Heal, settings: HealSettings) -> bool:
    """Tell whether a row of the ledger is charged: a dry run counts its own, the real thing the real ones, a person's counts for nobody."""
    return is_ours_to_charge(heal) and heal.state in CHARGED_HEALS and (heal.state is HealState.WOULD_RESTART) == settings.dry_run


def spends(heal: Heal, settings: HealSettings) -> bool:
    """Tell whether a row of the ledger counts against budgets: what is planned is spent already, it will be made before anybody can take it back."""
    return (heal.state is HealState.PLANNED and is_ours_to_charge(heal)) or counts(heal, settings)


def is_ours_to_charge(heal: Heal) -> bool:
    """Tell whether a restart is one of the policy's own: not a person's, nor part of another one."""
    return heal.asked_by is None and heal.follows is None


def spent(situation: Situation, *, own: bool) -> list[datetime]:
    """Return when restarts were made in the last day that budgets know of, oldest first: all, or those of this service."""
    target_id = None if situation.target is None else situation.target.incarnation.target_id
    return sorted(
        issued(heal)
        for heal in situation.host
        if spends(heal, situation.settings)
        and (not own or heal.service_id == situation.state.service_id or heal.incarnation.target_id == target_id)
    )


def issued(heal: Heal) -> datetime:
    return heal.issued_at or heal.planned_at
