"""Is there something that may be restarted, and is it in a state in which a restart is ours to make?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealReason, Passed, hold, needs_person
from healthmon.heal.gates import starting
from healthmon.heal.gave_up import engine_gave_up
from healthmon.model.target import TargetNetwork, TargetState

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation


def known(situation: Situation) -> HealDecision | Passed:
    if situation.is_engine_away:
        return hold(HealReason.ENGINE_AWAY, situation.target_problem)
    if situation.target is None:
        return hold(HealReason.NO_TARGET, situation.target_problem)
    return Passed(detail=situation.target.name)


def may_be_touched(situation: Situation) -> HealDecision | Passed:
    target = situation.target
    if target is None or not target.untouchable:
        return Passed()
    return needs_person(HealReason.UNTOUCHABLE, target.untouchable)


def has_its_network(situation: Situation) -> HealDecision | Passed:
    """One that shares another's network can only be started while that one runs, and never again once it is gone."""
    target = situation.target
    if target is None or target.network is TargetNetwork.OWN:
        return Passed()
    if target.network is TargetNetwork.PROVIDER_GONE:
        return needs_person(HealReason.NEEDS_RECREATE, f"the container {target.network_of[:12]}, whose network it uses, is gone")
    if target.network is TargetNetwork.PROVIDER_STOPPED:
        return hold(HealReason.PROVIDER_STOPPED, f"the container {target.network_of[:12]}, whose network it uses, does not run")
    return Passed(detail="shares the network of one that runs")


def in_a_state_to_act_on(situation: Situation) -> HealDecision | Passed:
    """Only a container that runs, or that its engine gave up on, is acted on."""
    target = situation.target
    if target is None:
        return Passed()
    if target.stopped_by_person:
        return hold(HealReason.STOPPED_BY_PERSON, target.name)
    if target.state is TargetState.RUNNING or engine_gave_up(target):
        return Passed(detail=target.state.value)
    if target.state is TargetState.PAUSED:
        return hold(HealReason.PAUSED, target.name)
    if target.state is TargetState.RESTARTING:
        looping = starting.no_crash_loop(situation)
        return looping if isinstance(looping, HealDecision) else hold(HealReason.ENGINE_RESTARTING, f"exit code {target.exit_code}")
    if target.state is TargetState.EXITED:
        return needs_person(HealReason.EXITED, f"exit code {target.exit_code}, restart policy {target.restart_policy}")
    return needs_person(HealReason.NOT_RUNNING, target.state.value)
