"""What a person may have restarted: no wait stands in the way, protections take force, and some things stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthmon.heal import requested
from healthmon.heal.decision import HealReason
from healthmon.heal.policy import GATES
from healthmon.heal.settings import HealSettings
from healthmon.heal.situation import StormStanding, charged
from healthmon.model.heal import HealAction, HealState
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from tests.builders import NOW, a_heal, a_hold, a_situation, a_target, ago, an_unhealthy_state, switched_on

ATTEMPTS = tuple(a_heal(HealState.FAILED, heal_id=number, issued_at=ago(4_000 - number)) for number in (1, 2, 3))
HEALTHY = {"incident": None, "state": an_unhealthy_state(status=ServiceStatus.HEALTHY, evidence_failures=0)}

NEVER_WAITED_FOR: list[tuple[str, dict[str, Any]]] = [
    ("it is healthy", HEALTHY),
    ("it has just started", {"target": a_target(started_at=ago(1))}),
    ("too few checks failed", {"state": an_unhealthy_state(evidence_failures=1)}),
    ("it was restarted a moment ago", {"history": (a_heal(HealState.FAILED, issued_at=ago(1)),)}),
    ("the agent has just started", {"agent_started_at": ago(1)}),
    ("the host's budget is used up", {"host": tuple(a_heal(HealState.FAILED, heal_id=n, issued_at=ago(1)) for n in range(9))}),
    ("other restarts are under way", {"host": tuple(a_heal(HealState.ISSUED, heal_id=n, service_id=n + 5) for n in range(2))}),
]
PROTECTED: list[tuple[str, dict[str, Any], str]] = [
    ("quarantine", {"history": ATTEMPTS}, "has given up"),
    ("a hold", {"hold": a_hold()}, "a person holds it back (ada: a migration runs), until 2026-11-22 13:00:00 UTC"),
    ("maintenance", {"maintenance_until": NOW + timedelta(hours=1)}, "people are working on it"),
    ("an ill dependency", {"unhealthy_dependencies": ("redis",)}, "waits for what it depends on (redis)"),
    ("a storm", {"storm": StormStanding(ill=9, watched=17, reason=HealReason.STORM_NOT_HELPED, until=ago(-60))}, "so many are ill at once"),
]
STAYS: list[tuple[str, dict[str, Any], str]] = [
    ("healing is off", {"settings": HealSettings()}, "healing is switched off for it in the configuration"),
    ("one is under way", {"history": (a_heal(HealState.ISSUED),)}, "a restart is under way"),
    ("nothing is known", {"target": None, "target_problem": "there is none"}, "knows nothing to restart (there is none)"),
    ("it must not be touched", {"target": a_target(untouchable="swarm_task")}, "must not restart it (swarm_task)"),
    ("a person stopped it", {"target": a_target(state=TargetState.EXITED, stopped_by_person=True)}, "a person stopped it"),
    ("it is paused", {"target": a_target(state=TargetState.PAUSED)}, "it is paused"),
    ("the engine restarts it", {"target": a_target(state=TargetState.RESTARTING)}, "leaves it to the engine"),
    ("the engine has just come back", {"engine_returned_at": ago(1)}, "the engine has just come back"),
]


@pytest.mark.parametrize(("name", "changes"), NEVER_WAITED_FOR, ids=[name for name, _ in NEVER_WAITED_FOR])
def test_nobody_waits_for_time_or_proof(name: str, changes: dict[str, Any]) -> None:  # noqa: ARG001
    assert requested.refusal(a_situation(**changes), force=False) is None


@pytest.mark.parametrize(("name", "changes", "said"), PROTECTED, ids=[name for name, _, _ in PROTECTED])
def test_what_protects_takes_force(name: str, changes: dict[str, Any], said: str) -> None:  # noqa: ARG001
    refused = requested.refusal(a_situation(**changes), force=False)
    assert refused is not None
    assert said in refused
    assert refused.endswith("add --force to restart it all the same")
    assert requested.refusal(a_situation(**changes), force=True) is None


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("name", "changes", "said"), STAYS, ids=[name for name, _, _ in STAYS])
def test_what_force_does_not_change_says_so(name: str, changes: dict[str, Any], said: str, *, force: bool) -> None:  # noqa: ARG001
    refused = requested.refusal(a_situation(**changes), force=force)
    assert refused is not None
    assert said in refused
    assert "--force" not in refused


def test_the_gates_are_named_as_in_the_policy() -> None:
    assert {gate.name for gate in GATES} > requested.ALWAYS | requested.UNLESS_FORCED


def test_what_the_engine_gave_up_on_is_started() -> None:
    given_up = a_target(state=TargetState.EXITED, error="driver failed", restart_policy="always")
    assert requested.action(a_situation(target=given_up)) is HealAction.START
    assert requested.action(a_situation()) is HealAction.RESTART


def test_a_persons_restart_is_no_attempt_of_ours() -> None:
    mine = a_heal(HealState.FAILED, asked_by="ada", why="it leaks")
    assert charged(a_situation(history=(mine,), settings=switched_on())) == ()
