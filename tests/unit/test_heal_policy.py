"""When we restart: the cases read like the specification."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.heal.decision import HealReason, HealVerdict
from healthmon.heal.gates.evidence import docker_says_so
from healthmon.heal.gave_up import engine_gave_up
from healthmon.heal.policy import VOIDS_EVIDENCE, decide
from healthmon.heal.situation import StormStanding
from healthmon.heal.starting import Renewal
from healthmon.model.check import CheckReason
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.quarantine import Quarantine, Rearm
from healthmon.model.status import ServiceStatus
from healthmon.model.target import Incarnation, TargetChange, TargetHealth, TargetNetwork, TargetState
from tests.builders import (
    NOW,
    a_heal,
    a_hold,
    a_quarantine,
    a_situation,
    a_target,
    ago,
    an_incident,
    an_unhealthy_state,
    switched_on,
)

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

ELSEWHERE = Incarnation(target_id="d" * 64, started="2026-11-22T09:00:00Z")
EXITED = {"state": TargetState.EXITED, "exit_code": 1}


def a_storm(**changes: Any) -> StormStanding:
    facts: dict[str, Any] = {"ill": 9, "watched": 17, "reason": HealReason.STORM}
    return StormStanding(**facts | changes)


def failed(minutes_ago: float, **changes: Any) -> Heal:
    at = ago(60 * minutes_ago)
    return a_heal(changes.pop("state", HealState.FAILED), planned_at=at, issued_at=at, **changes)


def in_vain(minutes_ago: float) -> Heal:
    return failed(minutes_ago, returned_at=ago(60 * minutes_ago - 5), failure="status: got 500")


def rearmed(last_heal_id: int) -> Quarantine:
    return a_quarantine(last_heal_id=last_heal_id, rearmed_by=Rearm.RELEASED, rearmed_at=ago(5))


def would(minutes_ago: float) -> Heal:
    at = ago(60 * minutes_ago)
    return a_heal(HealState.WOULD_RESTART, planned_at=at, issued_at=at)


def own(count: int, minutes_ago: float) -> tuple[Heal, ...]:
    return tuple(failed(minutes_ago, heal_id=n + 50, state=HealState.VERIFIED) for n in range(count))


def others(count: int, minutes_ago: float) -> tuple[Heal, ...]:
    return tuple(failed(minutes_ago, heal_id=n + 100, service_id=n + 2, incarnation=ELSEWHERE) for n in range(count))


IMAGE = TargetChange.IMAGE


def a_renewal(seconds_ago: float, change: TargetChange | None) -> Renewal:
    return Renewal(since=ago(seconds_ago), change=change)


CASES: list[tuple[str, dict[str, Any], HealVerdict, HealReason]] = [
    ("nothing speaks against it", {}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    ("off by default", {"settings": switched_on(enabled=False)}, HealVerdict.HOLD, HealReason.SWITCHED_OFF),
    (
        "both keys are needed",
        {"settings": switched_on(restart_unhealthy_services=False)},
        HealVerdict.HOLD,
        HealReason.SWITCHED_OFF,
    ),
    (
        "unknown never heals",
        {"state": an_unhealthy_state(status=ServiceStatus.UNKNOWN)},
        HealVerdict.HOLD,
        HealReason.NOT_UNHEALTHY,
    ),
    (
        "soft failures do not heal",
        {"state": an_unhealthy_state(status=ServiceStatus.HEALTHY)},
        HealVerdict.HOLD,
        HealReason.NOT_UNHEALTHY,
    ),
    (
        "our own network is gone: whatever was seen before",
        {"state": an_unhealthy_state(unknown_looks=1, last_reason=CheckReason.NO_NETWORK)},
        HealVerdict.HOLD,
        HealReason.OWN_NETWORK,
    ),
    (
        "our own network is gone, for longer",
        {"state": an_unhealthy_state(status=ServiceStatus.UNKNOWN, unknown_looks=9, last_reason=CheckReason.NO_NETWORK)},
        HealVerdict.HOLD,
        HealReason.OWN_NETWORK,
    ),
    ("the engine does not answer", {"target": None, "is_engine_away": True}, HealVerdict.HOLD, HealReason.ENGINE_AWAY),
    (
        "too late an answer on a busy host",
        {"host_pressure": "the load is 9.0 for each processor", "state": an_unhealthy_state(last_reason=CheckReason.TIMEOUT)},
        HealVerdict.WAIT,
        HealReason.HOST_PRESSURE,
    ),
    (
        "a refusal is none, however busy the host",
        {"host_pressure": "the load is 9.0 for each processor", "state": an_unhealthy_state(last_reason=CheckReason.REFUSED)},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "a busy host excuses nobody for longer than five minutes",
        {
            "host_pressure": "the load is 9.0 for each processor",
            "state": an_unhealthy_state(last_reason=CheckReason.TIMEOUT),
            "incident": an_incident(detected_at=ago(300)),
        },
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    ("one at a time", {"history": (a_heal(HealState.ISSUED),)}, HealVerdict.HOLD, HealReason.IN_PROGRESS),
    ("not while verifying", {"history": (a_heal(HealState.RETURNED),)}, HealVerdict.HOLD, HealReason.IN_PROGRESS),
    ("a person works on it", {"maintenance_until": NOW + timedelta(hours=1)}, HealVerdict.WAIT, HealReason.MAINTENANCE),
    ("a person holds it back", {"hold": a_hold()}, HealVerdict.WAIT, HealReason.HELD),
    ("a hold that is over", {"hold": a_hold(ends_at=NOW)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "also on one that its engine gave up",
        {"maintenance_until": NOW + timedelta(hours=1), "target": a_target(**EXITED, error="driver failed")},
        HealVerdict.WAIT,
        HealReason.MAINTENANCE,
    ),
    ("no container known", {"target": None}, HealVerdict.HOLD, HealReason.NO_TARGET),
    *(
        (f"T21, T22, T39: {why}", {"target": a_target(untouchable=why)}, HealVerdict.NEEDS_PERSON, HealReason.UNTOUCHABLE)
        for why in ("swarm_task", "one_off", "auto_remove", "ourselves", "our_network", "socket_proxy", "no_events")
    ),
    ("paused by a person", {"target": a_target(state=TargetState.PAUSED)}, HealVerdict.HOLD, HealReason.PAUSED),
    (
        "the engine is at it",
        {"target": a_target(state=TargetState.RESTARTING)},
        HealVerdict.HOLD,
        HealReason.ENGINE_RESTARTING,
    ),
    (
        "stopped by a person",
        {"target": a_target(**EXITED, stopped_by_person=True)},
        HealVerdict.HOLD,
        HealReason.STOPPED_BY_PERSON,
    ),
    (
        "being stopped by a person",
        {"target": a_target(stopped_by_person=True)},
        HealVerdict.HOLD,
        HealReason.STOPPED_BY_PERSON,
    ),
    ("the engine will restart it", {"target": a_target(**EXITED)}, HealVerdict.NEEDS_PERSON, HealReason.EXITED),
    (
        "meant to stay down",
        {"target": a_target(**EXITED, restart_policy="no", error="start failed")},
        HealVerdict.NEEDS_PERSON,
        HealReason.EXITED,
    ),
    (
        "the engine gave up: its start failed",
        {"target": a_target(**EXITED, error="driver failed")},
        HealVerdict.ACT,
        HealReason.ENGINE_GAVE_UP,
    ),
    (
        "the engine gave up: its retries are used up",
        {"target": a_target(**EXITED, restart_policy="on-failure", restart_limit=3, restart_count=3)},
        HealVerdict.ACT,
        HealReason.ENGINE_GAVE_UP,
    ),
    (
        "the engine still has retries",
        {"target": a_target(**EXITED, restart_policy="on-failure", restart_limit=3, restart_count=2)},
        HealVerdict.NEEDS_PERSON,
        HealReason.EXITED,
    ),
    (
        "on-failure without end never gives up",
        {"target": a_target(**EXITED, restart_policy="on-failure", restart_limit=0, restart_count=9)},
        HealVerdict.NEEDS_PERSON,
        HealReason.EXITED,
    ),
    ("created, never started", {"target": a_target(state=TargetState.CREATED)}, HealVerdict.NEEDS_PERSON, HealReason.NOT_RUNNING),
    (
        "too little evidence",
        {"state": an_unhealthy_state(evidence_failures=2)},
        HealVerdict.LOOK,
        HealReason.TOO_FEW_FAILURES,
    ),
    (
        "the evidence is of an earlier incarnation",
        {"target": a_target(started_at=ago(59)), "settings": switched_on(start_grace_seconds=0)},
        HealVerdict.LOOK,
        HealReason.TOO_FEW_FAILURES,
    ),
    (
        "stale evidence",
        {"state": an_unhealthy_state(evidence_last_at=ago(71))},
        HealVerdict.LOOK,
        HealReason.STALE_EVIDENCE,
    ),
    (
        "a short failure waits for the floor",
        {"state": an_unhealthy_state(evidence_started_at=ago(10))},
        HealVerdict.WAIT,
        HealReason.MIN_UNHEALTHY,
    ),
    (
        "grace after a start",
        {"target": a_target(started_at=ago(59)), "state": an_unhealthy_state(evidence_started_at=ago(50))},
        HealVerdict.WAIT,
        HealReason.START_GRACE,
    ),
    (
        "its health check takes longer to judge",
        {"target": a_target(started_at=ago(119), health_grace_s=120), "state": an_unhealthy_state(evidence_started_at=ago(50))},
        HealVerdict.WAIT,
        HealReason.START_GRACE,
    ),
    (
        "earlier starts took longer to answer",
        {"target": a_target(started_at=ago(119)), "learned_grace_s": 120.0, "state": an_unhealthy_state(evidence_started_at=ago(50))},
        HealVerdict.WAIT,
        HealReason.START_GRACE,
    ),
    (
        "no grace at all",
        {
            "target": a_target(started_at=ago(59), health_grace_s=120),
            "learned_grace_s": 120.0,
            "state": an_unhealthy_state(evidence_started_at=ago(50)),
            "settings": switched_on(start_grace_seconds=0),
        },
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    ("T18: a new image that was not healthy yet", {"renewal": a_renewal(899, IMAGE)}, HealVerdict.WAIT, HealReason.NOT_YET_HEALTHY),
    ("a new image that never was", {"renewal": a_renewal(900, IMAGE)}, HealVerdict.NEEDS_PERSON, HealReason.NEVER_HEALTHY),
    (
        "what was healthy with the image before proves nothing of this one",
        {"renewal": a_renewal(300, IMAGE), "state": an_unhealthy_state(last_healthy_at=ago(301))},
        HealVerdict.WAIT,
        HealReason.NOT_YET_HEALTHY,
    ),
    (
        "a new image that was healthy once",
        {"renewal": a_renewal(300, IMAGE), "state": an_unhealthy_state(last_healthy_at=ago(120))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    ("T18: another container that was not healthy yet", {"renewal": a_renewal(899, None)}, HealVerdict.WAIT, HealReason.NOT_YET_HEALTHY),
    ("another container that had its time", {"renewal": a_renewal(900, None)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "nobody wants to wait for new ones",
        {"renewal": a_renewal(10, IMAGE), "settings": switched_on(first_healthy_hold_seconds=0)},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "T33: two are being stopped and started",
        {"host": tuple(a_heal(HealState.ISSUED, heal_id=n, service_id=n, issued_at=ago(1), incarnation=ELSEWHERE) for n in (8, 9))},
        HealVerdict.WAIT,
        HealReason.CONCURRENCY,
    ),
    (
        "T29, T33: one of them waits for its slow stop, and holds up no other",
        {"host": (a_heal(HealState.ISSUED, heal_id=8, service_id=8, issued_at=ago(3), incarnation=ELSEWHERE), a_heal(HealState.ISSUED, heal_id=9, service_id=9, issued_at=ago(1), incarnation=ELSEWHERE))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "so many slow stops that they would all start at once",
        {"host": tuple(a_heal(HealState.ISSUED, heal_id=n, service_id=n, issued_at=ago(60), incarnation=ELSEWHERE) for n in range(20, 28)), "settings": switched_on(host_budget_per_10_minutes=20)},
        HealVerdict.HOLD,
        HealReason.CONCURRENCY,
    ),
    ("T25: others start it again and again", {"foreign_starts": 3}, HealVerdict.HOLD, HealReason.CRASH_LOOP),
    (
        "T25: and it is between two starts",
        {"foreign_starts": 3, "target": a_target(state=TargetState.RESTARTING)},
        HealVerdict.HOLD,
        HealReason.CRASH_LOOP,
    ),
    ("twice is no loop", {"foreign_starts": 2}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "T37: its network is gone",
        {"target": a_target(network=TargetNetwork.PROVIDER_GONE, network_of="d" * 64)},
        HealVerdict.NEEDS_PERSON,
        HealReason.NEEDS_RECREATE,
    ),
    (
        "T38: its network does not run",
        {"target": a_target(**EXITED, error="cannot join network", network=TargetNetwork.PROVIDER_STOPPED, network_of="d" * 64)},
        HealVerdict.HOLD,
        HealReason.PROVIDER_STOPPED,
    ),
    (
        "Docker's verdict needs neither confirmations nor the floor",
        {"target": a_target(health=TargetHealth.UNHEALTHY), "state": an_unhealthy_state(evidence_failures=1, evidence_started_at=ago(1))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "T05: and what is no verdict needs both",
        {"target": a_target(health=TargetHealth.UNKNOWN), "state": an_unhealthy_state(evidence_failures=1, evidence_started_at=ago(1))},
        HealVerdict.LOOK,
        HealReason.TOO_FEW_FAILURES,
    ),
    (
        "T04: nor does it speak of another run",
        {"target": a_target(health=TargetHealth.UNHEALTHY, started_at=ago(90)), "state": an_unhealthy_state(evidence_failures=1, evidence_started_at=ago(91))},
        HealVerdict.LOOK,
        HealReason.TOO_FEW_FAILURES,
    ),
    ("hold after our own start", {"agent_started_at": ago(59)}, HealVerdict.WAIT, HealReason.STARTUP_HOLD),
    ("the engine is just back", {"engine_returned_at": ago(59)}, HealVerdict.WAIT, HealReason.ENGINE_SETTLING),
    ("a dependency is ill", {"unhealthy_dependencies": ("redis",)}, HealVerdict.HOLD, HealReason.DEPENDENCY_UNHEALTHY),
    ("so many are ill", {"storm": a_storm(until=NOW + timedelta(minutes=2))}, HealVerdict.WAIT, HealReason.STORM),
    ("it is its turn in a storm", {"storm": a_storm(turn=1)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "it is another's turn",
        {"storm": a_storm(turn=2, reason=HealReason.STORM_ONE_BY_ONE)},
        HealVerdict.HOLD,
        HealReason.STORM_ONE_BY_ONE,
    ),
    (
        "the one that was tried was not helped",
        {"storm": a_storm(until=NOW + timedelta(minutes=30), reason=HealReason.STORM_NOT_HELPED)},
        HealVerdict.WAIT,
        HealReason.STORM_NOT_HELPED,
    ),
    (
        "its turn in a storm overrules no other gate",
        {"storm": a_storm(turn=1), "history": (failed(1),)},
        HealVerdict.WAIT,
        HealReason.COOLDOWN,
    ),
    ("cooldown", {"history": (failed(4.9),)}, HealVerdict.WAIT, HealReason.COOLDOWN),
    ("after the cooldown", {"history": (failed(5),)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "attempts used up",
        {"history": (failed(30), failed(20), failed(10))},
        HealVerdict.QUARANTINE,
        HealReason.ATTEMPTS_USED_UP,
    ),
    (
        "a retry in quarantine comes late",
        {"history": (failed(30), failed(20), failed(9)), "settings": switched_on(quarantine_retries=1)},
        HealVerdict.WAIT,
        HealReason.QUARANTINE_RETRY,
    ),
    (
        "a retry in quarantine, when allowed",
        {"history": (failed(30), failed(20), failed(10)), "settings": switched_on(quarantine_retries=1)},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    ("rearmed: fresh attempts", {"history": (failed(30), failed(20), failed(10)), "quarantine": rearmed(3)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "rearmed: the new attempts count",
        {"history": tuple(failed(50 - 10 * n, heal_id=n) for n in range(1, 5)), "quarantine": rearmed(1)},
        HealVerdict.QUARANTINE,
        HealReason.ATTEMPTS_USED_UP,
    ),
    ("rearmed: it cools down all the same", {"history": (failed(30), failed(4)), "quarantine": rearmed(9)}, HealVerdict.WAIT, HealReason.COOLDOWN),
    (
        "a quarantine that lasts frees nothing",
        {"history": (failed(30), failed(20), failed(10)), "quarantine": a_quarantine(last_heal_id=9)},
        HealVerdict.QUARANTINE,
        HealReason.ATTEMPTS_USED_UP,
    ),
    (
        "restarts never helped against this failure",
        {"same_failure": (in_vain(900), in_vain(600), in_vain(300))},
        HealVerdict.QUARANTINE,
        HealReason.RESTARTS_DO_NOT_HELP,
    ),
    (
        "one that helped since is a reason to try",
        {"same_failure": (in_vain(900), in_vain(600), in_vain(400), replace(in_vain(300), state=HealState.VERIFIED), in_vain(200))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "what was never made, or never judged, proves nothing",
        {"same_failure": (in_vain(900), in_vain(600), failed(400), replace(in_vain(300), state=HealState.SUPERSEDED))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "who allows more attempts in one incident gets them",
        {"same_failure": tuple(in_vain(100 - n) for n in range(4)), "settings": switched_on(max_restart_attempts=5)},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "what was dropped is not charged",
        {"history": tuple(a_heal(HealState.DROPPED, closed_at=ago(400)) for _ in range(9))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "what was just dropped waits for new facts",
        {"history": (a_heal(HealState.DROPPED, closed_at=ago(4)),)},
        HealVerdict.WAIT,
        HealReason.JUST_DROPPED,
    ),
    (
        "what is dropped again and again waits longer",
        {"history": tuple(a_heal(HealState.DROPPED, closed_at=ago(200)) for _ in range(9))},
        HealVerdict.WAIT,
        HealReason.JUST_DROPPED,
    ),
    (
        "what was gone is not charged",
        {"history": (a_heal(HealState.GONE),) * 3},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "a thousand retries in quarantine are no overflow",
        {"history": tuple(failed(61) for _ in range(500)), "settings": switched_on(quarantine_retries=1_000)},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "a dry run counts its own attempts",
        {"history": (would(30), would(20), would(10)), "settings": switched_on(dry_run=True)},
        HealVerdict.QUARANTINE,
        HealReason.ATTEMPTS_USED_UP,
    ),
    (
        "a dry run is not held against the real thing",
        {"history": (would(30), would(20), would(1)), "host": (would(1),) * 9},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    ("six restarts within an hour", {"host": own(6, minutes_ago=59)}, HealVerdict.WAIT, HealReason.SERVICE_BUDGET),
    ("the hour is over", {"host": own(6, minutes_ago=60)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    ("24 restarts within a day", {"host": own(24, minutes_ago=23 * 60)}, HealVerdict.WAIT, HealReason.SERVICE_BUDGET),
    ("the day is over", {"host": own(24, minutes_ago=24 * 60)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "every second hour all day long is no reason to stop",
        {"host": tuple(failed(120 * n, heal_id=n) for n in range(1, 12))},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "what was done to its container for others counts, too",
        {"host": tuple(replace(heal, service_id=9) for heal in own(6, minutes_ago=59))},
        HealVerdict.WAIT,
        HealReason.SERVICE_BUDGET,
    ),
    (
        "attempts that were promised to an incident are not cut by a default",
        {"host": own(6, minutes_ago=59), "settings": switched_on(max_restart_attempts=8)},
        HealVerdict.ACT,
        HealReason.CONFIRMED_UNHEALTHY,
    ),
    (
        "a limit that somebody wrote is kept",
        {"host": own(2, minutes_ago=59), "settings": switched_on(service_budget_per_hour=2)},
        HealVerdict.WAIT,
        HealReason.SERVICE_BUDGET,
    ),
    (
        "one service gets no more than its share of the host's budget",
        {"host": own(10, minutes_ago=59), "settings": switched_on(service_budget_per_hour=30)},
        HealVerdict.WAIT,
        HealReason.SERVICE_BUDGET,
    ),
    ("the host's budget", {"host": others(5, minutes_ago=9)}, HealVerdict.WAIT, HealReason.HOST_BUDGET),
    ("the host's hourly budget", {"host": others(20, minutes_ago=59)}, HealVerdict.WAIT, HealReason.HOST_BUDGET),
    ("the budget comes back", {"host": others(5, minutes_ago=10)}, HealVerdict.ACT, HealReason.CONFIRMED_UNHEALTHY),
    (
        "two at once are enough",
        {"host": (a_heal(HealState.PLANNED, service_id=2, incarnation=ELSEWHERE), a_heal(HealState.PLANNED, service_id=3, incarnation=ELSEWHERE))},
        HealVerdict.HOLD,
        HealReason.CONCURRENCY,
    ),
    (
        "what is planned is spent",
        {"host": (*others(4, minutes_ago=9), a_heal(HealState.PLANNED, service_id=3, incarnation=ELSEWHERE)), "settings": switched_on(concurrency=5)},
        HealVerdict.WAIT,
        HealReason.HOST_BUDGET,
    ),
]


@pytest.mark.parametrize(("changes", "verdict", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_decision_has_this_verdict_for_this_reason(
    changes: dict[str, Any],
    verdict: HealVerdict,
    reason: HealReason,
) -> None:
    decision = decide(a_situation(**changes))
    assert (decision.verdict, decision.reason) == (verdict, reason)
    assert (decision.action is not None) == (verdict is HealVerdict.ACT)
    assert (decision.until is not None) == (verdict is HealVerdict.WAIT)


def test_what_voids_evidence_never_lets_a_restart_through() -> None:
    voiding = [case for case in CASES if case[3] in VOIDS_EVIDENCE]
    assert {case[3] for case in voiding} == set(VOIDS_EVIDENCE)
    assert all(case[2] is not HealVerdict.ACT for case in voiding)


def test_every_reason_has_a_case() -> None:
    assert {case[3] for case in CASES} == set(HealReason)


def test_a_container_that_the_engine_gave_up_on_is_started_not_restarted() -> None:
    assert decide(a_situation(target=a_target(**EXITED, error="x"))).action is HealAction.START
    assert decide(a_situation()).action is HealAction.RESTART


def test_the_engine_has_not_given_up_on_what_a_person_stopped() -> None:
    """Its own policy does not bring it back because they did not want it."""
    assert engine_gave_up(a_target(**EXITED, error="x"))
    assert not engine_gave_up(a_target(**EXITED, error="x", stopped_by_person=True))


@pytest.mark.parametrize("state", [TargetState.PAUSED, TargetState.EXITED, TargetState.RESTARTING])
def test_the_engines_verdict_is_one_of_a_run(state: TargetState) -> None:
    assert docker_says_so(a_target(health=TargetHealth.UNHEALTHY))
    assert not docker_says_so(a_target(health=TargetHealth.UNHEALTHY, state=state))


@pytest.mark.parametrize("changes", [{"asked_by": "ada"}, {"follows": 7}], ids=["a person's", "T36: what followed its network's provider"])
def test_what_is_not_the_policys_own_is_charged_to_nobody(changes: dict[str, Any]) -> None:
    """Neither against the attempts and the cooldown, nor against a budget."""
    made = tuple(failed(minutes, heal_id=50 + minutes, **changes) for minutes in range(1, 7))
    assert decide(a_situation(history=made, host=made)).verdict is HealVerdict.ACT


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({"state": an_unhealthy_state(evidence_started_at=ago(15))}, NOW + timedelta(seconds=5)),
        ({"agent_started_at": ago(20)}, NOW + timedelta(seconds=40)),
        ({"history": (failed(2),)}, NOW + timedelta(minutes=3)),
        ({"host": others(5, minutes_ago=4)}, NOW + timedelta(minutes=6)),
        ({"host": (*others(3, minutes_ago=8), *others(2, minutes_ago=4)), "queued_ahead": 3}, NOW + timedelta(minutes=6)),
        ({"host": others(5, minutes_ago=4), "queued_ahead": 5}, NOW + timedelta(minutes=16)),
        ({"host": others(4, minutes_ago=4), "queued_ahead": 1}, NOW + timedelta(minutes=6)),
        ({"host": others(20, minutes_ago=30)}, NOW + timedelta(minutes=30)),
        ({"host": own(6, minutes_ago=50)}, NOW + timedelta(minutes=10)),
    ],
)
def test_waiting_ends_when_it_says(changes: dict[str, Any], until: datetime) -> None:
    assert decide(a_situation(**changes)).until == until


@given(
    st.lists(st.tuples(st.floats(0, 7_200), st.sampled_from(sorted(HealState))), max_size=8),
    st.integers(1, 4),
    st.floats(0, 30),
)
def test_no_history_allows_an_attempt_beyond_the_limit_or_within_the_cooldown(
    rows: list[tuple[float, HealState]],
    limit: int,
    cooldown_minutes: float,
) -> None:
    history = tuple(
        a_heal(state, planned_at=ago(age), issued_at=None if state in {HealState.PLANNED, HealState.DROPPED} else ago(age), closed_at=ago(age))
        for age, state in sorted(rows, reverse=True)
    )
    settings = switched_on(max_restart_attempts=limit, restart_cooldown_minutes=cooldown_minutes)
    situation: Situation = a_situation(history=history, settings=settings)
    if decide(situation).verdict is HealVerdict.ACT:
        real = [heal for heal in history if heal.state not in _UNCHARGED | {HealState.WOULD_RESTART}]
        assert len(real) < limit
        assert all(NOW - heal.planned_at >= timedelta(minutes=cooldown_minutes) for heal in real)
        assert not any(heal.state in {HealState.PLANNED, HealState.ISSUED, HealState.RETURNED} for heal in history)


_UNCHARGED = {HealState.PLANNED, HealState.DROPPED, HealState.GONE}


def test_a_situation_without_an_incident_is_never_acted_on() -> None:
    assert decide(a_situation(incident=None)).reason is HealReason.NOT_UNHEALTHY
    assert decide(a_situation(incident=an_incident())).verdict is HealVerdict.ACT
