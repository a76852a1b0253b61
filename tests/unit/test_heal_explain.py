"""What is in the way of a restart, gate by gate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.heal.decision import HealReason, HealVerdict
from healthmon.heal.explain import Explanation, GateState, explain
from healthmon.heal.policy import GATES, decide
from healthmon.model.heal import HealState
from healthmon.model.status import ServiceStatus
from tests.builders import NOW, a_heal, a_situation, a_target, ago, an_unhealthy_state, switched_on

if TYPE_CHECKING:
    from datetime import datetime


def states(explanation: Explanation) -> dict[str, GateState]:
    return {gate.name: gate.state for gate in explanation.gates}


def test_every_gate_is_told_in_the_order_in_which_it_is_asked() -> None:
    found = explain(a_situation())
    assert [gate.name for gate in found.gates] == [gate.name for gate in GATES]
    assert set(states(found).values()) == {GateState.PASSED}
    assert (found.decision.verdict, found.earliest) == (HealVerdict.ACT, NOW)


def test_all_that_is_in_the_way_is_told_not_only_the_first() -> None:
    just_tried = a_heal(HealState.FAILED, planned_at=ago(60), issued_at=ago(60))
    found = explain(a_situation(agent_started_at=ago(20), history=(just_tried,)))
    assert [gate.name for gate in found.gates if gate.state is GateState.OBJECTS] == ["startup_hold", "cooldown"]
    assert found.decision.reason is HealReason.STARTUP_HOLD


def test_without_a_target_there_is_nothing_to_ask_the_others() -> None:
    asked = [gate for gate in explain(a_situation(target=None)).gates if gate.state is not GateState.NOT_ASKED]
    assert (asked[-1].name, asked[-1].state) == ("target_known", GateState.OBJECTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": switched_on(enabled=False)},
        {"state": an_unhealthy_state(status=ServiceStatus.HEALTHY), "incident": None},
    ],
)
def test_before_healing_is_switched_on_or_needed_a_person_sees_what_else_would_stand_in_its_way(changes: dict[str, Any]) -> None:
    found = explain(a_situation(**changes, target=a_target(untouchable="swarm_task")))
    assert states(found)["may_be_touched"] is GateState.OBJECTS
    assert GateState.NOT_ASKED not in states(found).values()


@pytest.mark.parametrize(
    ("changes", "earliest"),
    [
        ({"agent_started_at": ago(20)}, NOW + timedelta(seconds=40)),
        ({"agent_started_at": ago(20), "state": an_unhealthy_state(evidence_started_at=ago(15))}, NOW + timedelta(seconds=40)),
        ({"state": an_unhealthy_state(evidence_last_at=ago(500))}, NOW),
        ({"agent_started_at": ago(20), "unhealthy_dependencies": ("redis",)}, None),
    ],
    ids=["one wait", "the longest wait", "a look is missing", "a dependency first"],
)
def test_the_earliest_restart_is_after_the_longest_wait_or_nobody_knows(changes: dict[str, Any], earliest: datetime | None) -> None:
    assert explain(a_situation(**changes)).earliest == earliest


@given(
    st.booleans(),
    st.sampled_from([a_target(), a_target(started_at=ago(5)), a_target(untouchable="swarm_task"), None]),
    st.integers(0, 17),
    st.floats(0, 120),
    st.lists(st.sampled_from(sorted(HealState)), max_size=4),
)
def test_the_explanation_never_tells_another_story_than_the_decision(
    enabled: bool,  # noqa: FBT001  hypothesis fills it
    target: Any,
    ill: int,
    age_s: float,
    history: list[HealState],
) -> None:
    situation = a_situation(
        settings=switched_on(enabled=enabled),
        target=target,
        unhealthy_services=ill,
        agent_started_at=ago(age_s),
        history=tuple(a_heal(state) for state in history),
    )
    found = explain(situation)
    first = next((gate for gate in found.gates if gate.state is GateState.OBJECTS), None)
    assert found.decision == decide(situation)
    assert (first is None) == (found.decision.verdict is HealVerdict.ACT)
    if first is not None:
        assert (first.verdict, first.reason, first.until) == (found.decision.verdict, found.decision.reason, found.decision.until)
