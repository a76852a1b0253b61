"""How is a healing decision told to people: in tables, messages and on the page?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.decision import HealReason
from healthmon.model.status import ServiceStatus

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.decision import HealDecision
    from healthmon.heal.explain import Explanation, GateResult
    from healthmon.model.heal import Heal
    from healthmon.model.heal_evidence import HealEvidence

OFF = "off"
WORDS: dict[HealReason, str] = {
    HealReason.CONFIRMED_UNHEALTHY: "restarts it",
    HealReason.ENGINE_GAVE_UP: "starts it, for its engine has given up",
    HealReason.SWITCHED_OFF: OFF,
    HealReason.NOT_UNHEALTHY: "nothing to do",
    HealReason.OWN_NETWORK: "leaves it alone, for this host itself has no network",
    HealReason.ENGINE_AWAY: "can do nothing, for the engine does not answer",
    HealReason.HOST_PRESSURE: "waits, for it answers too late on a host that is too busy",
    HealReason.IN_PROGRESS: "a restart is under way",
    HealReason.HELD: "leaves it alone, for a person holds it back",
    HealReason.NO_TARGET: "knows nothing to restart",
    HealReason.UNTOUCHABLE: "must not restart it",
    HealReason.PAUSED: "leaves it alone, for it is paused",
    HealReason.ENGINE_RESTARTING: "leaves it to the engine, which restarts it",
    HealReason.STOPPED_BY_PERSON: "leaves it alone, for a person stopped it",
    HealReason.EXITED: "leaves it stopped, as its restart policy wants it; a person has to look",
    HealReason.NOT_RUNNING: "cannot restart what does not run; a person has to look",
    HealReason.MAINTENANCE: "leaves it alone, for people are working on it",
    HealReason.NEEDS_RECREATE: "cannot start it: a person has to create it anew",
    HealReason.PROVIDER_STOPPED: "waits for the container whose network it uses",
    HealReason.CRASH_LOOP: "leaves it alone, for it is started again and again and does not stay up",
    HealReason.NOT_YET_HEALTHY: "waits, for it is new and was not healthy yet",
    HealReason.NEVER_HEALTHY: "leaves it alone, for it is new and was never healthy; a person has to look",
    HealReason.STALE_EVIDENCE: "looks once more before a restart",
    HealReason.TOO_FEW_FAILURES: "looks again, for too few checks of this run failed",
    HealReason.MIN_UNHEALTHY: "waits whether it recovers by itself",
    HealReason.START_GRACE: "waits, for it has just started",
    HealReason.STARTUP_HOLD: "waits, for healthmon itself has just started or lost count of the time",
    HealReason.ENGINE_SETTLING: "waits, for the engine has just come back",
    HealReason.DEPENDENCY_UNHEALTHY: "waits for what it depends on",
    HealReason.STORM: "waits, for so many are ill at once that restarts are no answer",
    HealReason.STORM_ONE_BY_ONE: "waits for its turn, for so many are ill at once that they are tried one by one",
    HealReason.STORM_NOT_HELPED: "waits, for so many are ill at once, and the one that was restarted was not helped; a person has to look",
    HealReason.ATTEMPTS_USED_UP: "has given up, for restarts did not help; a person has to look",
    HealReason.RESTARTS_DO_NOT_HELP: "does not try again, for restarts did not help against this failure before; a person has to look",
    HealReason.QUARANTINE_RETRY: "has nearly given up, and tries once more later",
    HealReason.COOLDOWN: "waits, for it was restarted already",
    HealReason.JUST_DROPPED: "waits, for the last look forbade a restart",
    HealReason.SERVICE_BUDGET: "waits, for it was restarted so often already that it needs a person",
    HealReason.HOST_BUDGET: "waits, for so much was restarted on this host already",
    HealReason.CONCURRENCY: "waits until other restarts are over",
}


def in_words(decision: HealDecision, *, dry_run: bool) -> str:
    """Return what healing does about a service now, and why."""
    text = WORDS[decision.reason]
    if decision.reason is HealReason.SWITCHED_OFF:
        return text
    if decision.detail:
        text += f" ({decision.detail})"
    if decision.until is not None:
        text += f", until {clock.to_people(decision.until)}"
    return f"dry run: {text}" if dry_run else text


def answer_in_words(gate: GateResult, now: datetime) -> str:
    """Return what a gate says: what it found, and until when it objects. Empty where it has nothing to add."""
    return "; ".join(filter(None, (gate.detail, "" if gate.until is None else f"until {ahead(gate.until, now)}")))


def earliest_in_words(found: Explanation, status: ServiceStatus, now: datetime) -> str:
    """Return when there can be a restart at the earliest, as things stand."""
    if status is ServiceStatus.HEALTHY:
        return "earliest restart: none, for it is healthy"
    if found.earliest is None:
        return "earliest restart: none, before something else than time has changed"
    if found.earliest <= now:
        return "earliest restart: now, after a last look that fails"
    return f"earliest restart: {ahead(found.earliest, now)}, if nothing else comes in its way"


def ahead(at: datetime, now: datetime) -> str:
    """Return when something comes, and in how long."""
    return f"{clock.to_people(at)}, in {clock.duration((at - now).total_seconds())}"


def evidence_in_words(heal: Heal, evidence: HealEvidence) -> str:
    """Return what a restart rested on: the checks, or the person who wanted it."""
    if heal.asked_by is not None:
        return f"{'forced: ' if heal.forced else ''}{heal.why}"
    told = f"{evidence.failures} failed checks"
    if evidence.first_at is not None and evidence.last_at is not None:
        told += f" in {(evidence.last_at - evidence.first_at).total_seconds():.0f} s"
    if evidence.error:
        told += f", last: {evidence.error}"
    if evidence.good_before_at is not None:
        told += f"; needless: a check at {evidence.good_before_at:%H:%M:%S} was good already"
    elif heal.needless:
        told += "; needless: it would have recovered by itself, as it did before"
    return told
