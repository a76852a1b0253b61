"""When do we restart? One pure function, from what is known to a decision with its reason.

The gates are asked in order; the first that objects decides. Each objection names its reason, and, where time alone
will lift it, until when. When none objects, the service's target is restarted (or started).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING

from healthmon.model.heal import CHARGED_HEALS, OPEN_HEALS, Heal, HealAction, HealState
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.model.target import Target, TargetState

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.heal.settings import HealSettings
    from healthmon.model.incident import Incident

AFTER_DROP = timedelta(seconds=5)  # doubling with each in a row
AFTER_DROP_MAX = timedelta(minutes=5)
MAX_DOUBLINGS = 10
RETRY_FIRST = timedelta(minutes=10)  # in quarantine, doubling, where quarantine_retries allows any
RETRY_MAX = timedelta(minutes=60)
STORM_SHARE = 0.5
STORM_MIN = 3


class HealVerdict(StrEnum):
    ACT = "act"
    WAIT = "wait"  # time alone lifts it: `until` says when
    LOOK = "look"  # the service has to be looked at now: the evidence is too old or too little
    HOLD = "hold"  # something else has to change first
    QUARANTINE = "quarantine"  # the attempts are used up
    NEEDS_PERSON = "needs_person"  # a restart is not ours to make


class HealReason(StrEnum):
    CONFIRMED_UNHEALTHY = "confirmed_unhealthy"
    ENGINE_GAVE_UP = "engine_gave_up"
    SWITCHED_OFF = "switched_off"
    NOT_UNHEALTHY = "not_unhealthy"
    IN_PROGRESS = "in_progress"
    MAINTENANCE = "maintenance"
    NO_TARGET = "no_target"
    UNTOUCHABLE = "untouchable"
    PAUSED = "paused"
    ENGINE_RESTARTING = "engine_restarting"
    STOPPED_BY_PERSON = "stopped_by_person"
    EXITED = "exited"
    NOT_RUNNING = "not_running"
    STALE_EVIDENCE = "stale_evidence"
    TOO_FEW_FAILURES = "too_few_failures"
    MIN_UNHEALTHY = "min_unhealthy"
    START_GRACE = "start_grace"
    STARTUP_HOLD = "startup_hold"
    ENGINE_SETTLING = "engine_settling"
    DEPENDENCY_UNHEALTHY = "dependency_unhealthy"
    STORM = "storm"
    ATTEMPTS_USED_UP = "attempts_used_up"
    QUARANTINE_RETRY = "quarantine_retry"
    COOLDOWN = "cooldown"
    JUST_DROPPED = "just_dropped"
    HOST_BUDGET = "host_budget"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealDecision:
    """What to do about one service now. `action` is set for ACT only, `until` for WAIT only."""

    verdict: HealVerdict
    reason: HealReason
    detail: str = ""
    until: datetime | None = None
    action: HealAction | None = None


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
    host: tuple[Heal, ...]  # of every service, of the last hour
    agent_started_at: datetime
    engine_returned_at: datetime | None
    unhealthy_dependencies: tuple[str, ...]  # or those whose own heal is not verified yet
    unhealthy_services: int  # without those that a person stopped or works on, and those that an ill dependency explains
    watched_services: int
    maintenance_until: datetime | None = None  # a person works on the service


def decide(situation: Situation) -> HealDecision:
    """Return what to do about one service, with its reason."""
    for gate in GATES:
        objection = gate(situation)
        if objection is not None:
            return objection
    if engine_gave_up(situation.target):
        return HealDecision(verdict=HealVerdict.ACT, reason=HealReason.ENGINE_GAVE_UP, action=HealAction.START)
    return HealDecision(verdict=HealVerdict.ACT, reason=HealReason.CONFIRMED_UNHEALTHY, action=HealAction.RESTART)


def charged(situation: Situation) -> tuple[Heal, ...]:
    """Return the attempts that count: a dry run counts its own, the real thing the real ones."""
    return tuple(heal for heal in situation.history if _counts(heal, dry_run=situation.settings.dry_run))


def engine_gave_up(target: Target | None) -> bool:
    """Tell whether a container's own restart policy will not bring it back although nobody stopped it.

    The engine never tries again after a start that failed, nor when `on-failure` has used up its retries.
    """
    if target is None or target.state is not TargetState.EXITED or target.stopped_by_person:
        return False
    if target.restart_policy in {"", "no"}:
        return False
    used_up = (
        target.restart_policy == "on-failure"
        and target.exit_code != 0
        and 0 < target.restart_limit <= target.restart_count
    )
    return bool(target.error) or used_up


def _counts(heal: Heal, *, dry_run: bool) -> bool:
    return heal.state in CHARGED_HEALS and (heal.state is HealState.WOULD_RESTART) == dry_run


def _switched_on(situation: Situation) -> HealDecision | None:
    return None if situation.settings.switched_on else _hold(HealReason.SWITCHED_OFF)


def _unhealthy(situation: Situation) -> HealDecision | None:
    confirmed = situation.state.status is ServiceStatus.UNHEALTHY and situation.incident is not None
    return None if confirmed else _hold(HealReason.NOT_UNHEALTHY, situation.state.status.value)


def _nothing_under_way(situation: Situation) -> HealDecision | None:
    under_way = [heal for heal in situation.history if heal.state in OPEN_HEALS]
    return _hold(HealReason.IN_PROGRESS, f"attempt {under_way[0].attempt}") if under_way else None


def _not_in_maintenance(situation: Situation) -> HealDecision | None:
    until = situation.maintenance_until
    return None if until is None else _wait_until(until, situation, HealReason.MAINTENANCE)


def _target_known(situation: Situation) -> HealDecision | None:
    return _hold(HealReason.NO_TARGET, situation.target_problem) if situation.target is None else None


def _target_may_be_touched(situation: Situation) -> HealDecision | None:
    target = situation.target
    if target is None or not target.untouchable:
        return None
    return _needs_person(HealReason.UNTOUCHABLE, target.untouchable)


def _target_state(situation: Situation) -> HealDecision | None:
    """Only a container that runs, or that its engine gave up on, is acted on."""
    target = situation.target
    if target is None:
        return None
    if target.stopped_by_person:
        return _hold(HealReason.STOPPED_BY_PERSON, target.name)
    if target.state is TargetState.RUNNING or engine_gave_up(target):
        return None
    if target.state is TargetState.PAUSED:
        return _hold(HealReason.PAUSED, target.name)
    if target.state is TargetState.RESTARTING:
        return _hold(HealReason.ENGINE_RESTARTING, f"exit code {target.exit_code}")
    if target.state is TargetState.EXITED:
        return _needs_person(HealReason.EXITED, f"exit code {target.exit_code}, restart policy {target.restart_policy}")
    return _needs_person(HealReason.NOT_RUNNING, target.state.value)


def _evidence(situation: Situation) -> HealDecision | None:
    """Enough failed looks at the present incarnation, or, for one that does not run, the engine's own word."""
    target, state = situation.target, situation.state
    if engine_gave_up(target):
        return None
    if state.evidence_failures > situation.confirmations and _speaks_of(target, state):
        return None
    return _look(HealReason.TOO_FEW_FAILURES, f"{state.evidence_failures} of {situation.confirmations + 1}")


def _fresh_evidence(situation: Situation) -> HealDecision | None:
    """The last thing before acting: it has just failed again. What may have recovered meanwhile is looked at first."""
    at = situation.state.evidence_last_at
    if engine_gave_up(situation.target) or (at is not None and situation.now - at <= situation.evidence_max_age):
        return None
    return _look(HealReason.STALE_EVIDENCE, "")


def _speaks_of(target: Target | None, state: ServiceState) -> bool:
    if target is None or target.started_at is None or state.evidence_started_at is None:
        return False
    return state.evidence_started_at > target.started_at


def _floor(situation: Situation) -> HealDecision | None:
    started_at = situation.state.evidence_started_at
    if started_at is None:
        return None
    until = started_at + timedelta(seconds=situation.settings.min_unhealthy_seconds)
    return _wait_until(until, situation, HealReason.MIN_UNHEALTHY)


def _start_grace(situation: Situation) -> HealDecision | None:
    target = situation.target
    if target is None or target.started_at is None or engine_gave_up(target):
        return None
    until = target.started_at + timedelta(seconds=situation.settings.start_grace_seconds)
    return _wait_until(until, situation, HealReason.START_GRACE)


def _startup_hold(situation: Situation) -> HealDecision | None:
    until = situation.agent_started_at + timedelta(seconds=situation.settings.startup_hold_seconds)
    return _wait_until(until, situation, HealReason.STARTUP_HOLD)


def _engine_settled(situation: Situation) -> HealDecision | None:
    if situation.engine_returned_at is None:
        return None
    until = situation.engine_returned_at + timedelta(seconds=situation.settings.engine_settle_seconds)
    return _wait_until(until, situation, HealReason.ENGINE_SETTLING)


def _dependencies(situation: Situation) -> HealDecision | None:
    roots = situation.unhealthy_dependencies
    return _hold(HealReason.DEPENDENCY_UNHEALTHY, ", ".join(roots)) if roots else None


def _no_storm(situation: Situation) -> HealDecision | None:
    ill, watched = situation.unhealthy_services, situation.watched_services
    if not situation.settings.storm_guard or ill < STORM_MIN or ill < STORM_SHARE * watched:
        return None
    return _hold(HealReason.STORM, f"{ill} of {watched} services are unhealthy")


def _attempts(situation: Situation) -> HealDecision | None:
    used, settings = charged(situation), situation.settings
    over = len(used) - settings.max_restart_attempts
    if over < 0 or not used:
        return None
    if over >= settings.quarantine_retries:
        return HealDecision(
            verdict=HealVerdict.QUARANTINE,
            reason=HealReason.ATTEMPTS_USED_UP,
            detail=f"{len(used)} of {settings.max_restart_attempts + settings.quarantine_retries}",
        )
    pause = min(RETRY_MAX, RETRY_FIRST * 2 ** min(over, MAX_DOUBLINGS))
    return _wait_until(_issued(used[-1]) + pause, situation, HealReason.QUARANTINE_RETRY)


def _cooldown(situation: Situation) -> HealDecision | None:
    used = charged(situation)
    if not used:
        return None
    until = _issued(used[-1]) + timedelta(minutes=situation.settings.restart_cooldown_minutes)
    return _wait_until(until, situation, HealReason.COOLDOWN)


def _not_just_dropped(situation: Situation) -> HealDecision | None:
    """What a fresh look just forbade is not planned again until that look's facts are here."""
    dropped = list(takewhile(lambda heal: heal.state is HealState.DROPPED, reversed(situation.history)))
    if not dropped or dropped[0].closed_at is None:
        return None
    pause = min(AFTER_DROP_MAX, AFTER_DROP * 2 ** min(len(dropped) - 1, MAX_DOUBLINGS))
    return _wait_until(dropped[0].closed_at + pause, situation, HealReason.JUST_DROPPED)


def _host_budget(situation: Situation) -> HealDecision | None:
    settings = situation.settings
    times = [_issued(heal) for heal in situation.host if _counts(heal, dry_run=settings.dry_run)]
    for limit, window in (
        (settings.host_budget_per_10_minutes, timedelta(minutes=10)),
        (settings.host_budget_per_hour, timedelta(hours=1)),
    ):
        inside = sorted(at for at in times if at > situation.now - window)
        if len(inside) >= limit:
            return _wait_until(inside[-limit] + window, situation, HealReason.HOST_BUDGET)
    return None


def _concurrency(situation: Situation) -> HealDecision | None:
    busy = sum(heal.state in {HealState.PLANNED, HealState.ISSUED} for heal in situation.host)
    return _hold(HealReason.CONCURRENCY, f"{busy} under way") if busy >= situation.settings.concurrency else None


def _issued(heal: Heal) -> datetime:
    return heal.issued_at or heal.planned_at


def _hold(reason: HealReason, detail: str = "") -> HealDecision:
    return HealDecision(verdict=HealVerdict.HOLD, reason=reason, detail=detail)


def _look(reason: HealReason, detail: str) -> HealDecision:
    return HealDecision(verdict=HealVerdict.LOOK, reason=reason, detail=detail)


def _needs_person(reason: HealReason, detail: str) -> HealDecision:
    return HealDecision(verdict=HealVerdict.NEEDS_PERSON, reason=reason, detail=detail)


def _wait_until(until: datetime, situation: Situation, reason: HealReason) -> HealDecision | None:
    if until <= situation.now:
        return None
    return HealDecision(verdict=HealVerdict.WAIT, reason=reason, until=until)


GATES: tuple[Callable[[Situation], HealDecision | None], ...] = (
    _switched_on,
    _unhealthy,
    _nothing_under_way,
    _not_in_maintenance,
    _target_known,
    _target_may_be_touched,
    _target_state,
    _dependencies,
    _no_storm,
    _evidence,
    _attempts,
    _floor,
    _start_grace,
    _startup_hold,
    _engine_settled,
    _cooldown,
    _not_just_dropped,
    _host_budget,
    _concurrency,
    _fresh_evidence,
)

# While one of these holds, failed looks prove nothing about the service's own process: it may have been cut off, frozen
# or dragged down. When it lifts, the evidence begins afresh.
VOIDS_EVIDENCE = frozenset(
    {
        HealReason.MAINTENANCE,
        HealReason.PAUSED,
        HealReason.STOPPED_BY_PERSON,
        HealReason.ENGINE_RESTARTING,
        HealReason.EXITED,
        HealReason.NOT_RUNNING,
        HealReason.DEPENDENCY_UNHEALTHY,
        HealReason.STORM,
    },
)
