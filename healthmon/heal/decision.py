"""What can be decided about healing one service, and for which reason?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.heal import HealAction


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
    OWN_NETWORK = "own_network"
    ENGINE_AWAY = "engine_away"
    HOST_PRESSURE = "host_pressure"
    IN_PROGRESS = "in_progress"
    MAINTENANCE = "maintenance"
    HELD = "held"
    NO_TARGET = "no_target"
    UNTOUCHABLE = "untouchable"
    PAUSED = "paused"
    ENGINE_RESTARTING = "engine_restarting"
    STOPPED_BY_PERSON = "stopped_by_person"
    EXITED = "exited"
    NOT_RUNNING = "not_running"
    NEEDS_RECREATE = "needs_recreate"
    PROVIDER_STOPPED = "provider_stopped"
    CRASH_LOOP = "crash_loop"
    NOT_YET_HEALTHY = "not_yet_healthy"
    NEVER_HEALTHY = "never_healthy"
    STALE_EVIDENCE = "stale_evidence"
    TOO_FEW_FAILURES = "too_few_failures"
    MIN_UNHEALTHY = "min_unhealthy"
    START_GRACE = "start_grace"
    STARTUP_HOLD = "startup_hold"
    ENGINE_SETTLING = "engine_settling"
    DEPENDENCY_UNHEALTHY = "dependency_unhealthy"
    STORM = "storm"
    STORM_ONE_BY_ONE = "storm_one_by_one"
    STORM_NOT_HELPED = "storm_not_helped"
    ATTEMPTS_USED_UP = "attempts_used_up"
    RESTARTS_DO_NOT_HELP = "restarts_do_not_help"
    QUARANTINE_RETRY = "quarantine_retry"
    COOLDOWN = "cooldown"
    JUST_DROPPED = "just_dropped"
    SERVICE_BUDGET = "service_budget"
    HOST_BUDGET = "host_budget"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealDecision:
    """What to do about one service now. `action` is set for ACT only, `until` for WAIT only.

    `detail` says with which values; as long as nothing changes it is the same text, or it would be stored every step.
    """

    verdict: HealVerdict
    reason: HealReason
    detail: str = ""
    until: datetime | None = None
    action: HealAction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A gate has nothing against a restart; `detail` says with which values."""

    detail: str = ""


def wait_until(until: datetime, now: datetime, reason: HealReason, *, afterwards: str = "", detail: str = "") -> HealDecision | Passed:
    """Object until then; from then on there is nothing against it, for what `afterwards` says."""
    if until <= now:
        return Passed(detail=afterwards)
    return HealDecision(verdict=HealVerdict.WAIT, reason=reason, until=until, detail=detail)


def hold(reason: HealReason, detail: str = "") -> HealDecision:
    return HealDecision(verdict=HealVerdict.HOLD, reason=reason, detail=detail)


def look(reason: HealReason, detail: str) -> HealDecision:
    return HealDecision(verdict=HealVerdict.LOOK, reason=reason, detail=detail)


def needs_person(reason: HealReason, detail: str) -> HealDecision:
    return HealDecision(verdict=HealVerdict.NEEDS_PERSON, reason=reason, detail=detail)


def quarantine(reason: HealReason, detail: str) -> HealDecision:
    return HealDecision(verdict=HealVerdict.QUARANTINE, reason=reason, detail=detail)
