"""When do we restart? One pure function, from what is known to a decision with its reason.

The gates are asked in order; the first that objects decides. When none objects, the service's target is restarted, or
started where its engine gave up on it. `heal/explain.py` asks the same list for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealReason, HealVerdict, Passed
from healthmon.heal.gates import calm, evidence, limits, starting, target, wanted
from healthmon.heal.gave_up import engine_gave_up
from healthmon.model.heal import HealAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.heal.situation import Situation


@dataclass(frozen=True, slots=True)
class Gate:
    """One question. `name` is stable, for scripts; the others follow only where a foundation does not object."""

    name: str
    question: str
    ask: Callable[[Situation], HealDecision | Passed]
    is_foundation: bool = False  # when it objects there is nothing to ask the others about


GATES = (
    Gate("switched_on", "Is healing switched on?", wanted.switched_on),
    Gate("unhealthy", "Is it confirmed unhealthy?", wanted.unhealthy),
    Gate("nothing_under_way", "Is no restart of it under way?", wanted.nothing_under_way),
    Gate("not_held", "Does nobody hold it back?", wanted.not_held),
    Gate("not_in_maintenance", "Is nobody working on it?", wanted.not_in_maintenance),
    Gate("target_known", "Is it known what to restart?", target.known, is_foundation=True),
    Gate("may_be_touched", "May it be touched?", target.may_be_touched),
    Gate("target_state", "Is it in a state to act on?", target.in_a_state_to_act_on),
    Gate("network", "Does the network that it shares work?", target.has_its_network),
    Gate("no_crash_loop", "Do others not start it again and again?", starting.no_crash_loop),
    Gate("dependencies", "Is what it depends on well?", calm.dependencies_are_well),
    Gate("no_storm", "Are most other services well?", calm.no_storm),
    Gate("evidence", "Did enough checks of this run fail?", evidence.enough),
    Gate("attempts_left", "Are there attempts left?", limits.attempts_left),
    Gate("restarts_help", "Have restarts helped against this failure?", limits.has_helped),
    Gate("host_has_time", "Has the host time to answer?", calm.host_has_time),
    Gate("min_unhealthy", "Has it been ill for long enough?", evidence.ill_for_long_enough),
    Gate("start_grace", "Is the grace after its start over?", starting.grace_is_over),
    Gate("was_healthy_once", "Was it healthy once, as it is now?", starting.was_healthy_once),
    Gate("startup_hold", "Has healthmon itself settled?", calm.agent_has_settled),
    Gate("engine_settled", "Has the engine settled?", calm.engine_has_settled),
    Gate("cooldown", "Has it cooled down since the last restart?", limits.cooled_down),
    Gate("not_just_dropped", "Did the last look not forbid it?", limits.not_just_dropped),
    Gate("service_budget", "Does its own budget allow it?", limits.service_has_budget),
    Gate("host_budget", "Does the host's budget allow it?", limits.host_has_budget),
    Gate("concurrency", "Are hands free?", limits.hands_free),
    Gate("fresh_evidence", "Has it failed again just now?", evidence.fresh),
)

# While one of these holds, failed looks prove nothing about the service's own process: it may have been cut off, frozen
# or dragged down. When it lifts, the evidence begins afresh.
VOIDS_EVIDENCE = frozenset(
    {
        HealReason.MAINTENANCE,
        HealReason.HELD,
        HealReason.PAUSED,
        HealReason.STOPPED_BY_PERSON,
        HealReason.ENGINE_RESTARTING,
        HealReason.EXITED,
        HealReason.CRASH_LOOP,
        HealReason.NOT_RUNNING,
        HealReason.PROVIDER_STOPPED,
        HealReason.DEPENDENCY_UNHEALTHY,
        HealReason.OWN_NETWORK,
        HealReason.STORM,
        HealReason.STORM_ONE_BY_ONE,
        HealReason.STORM_NOT_HELPED,
    },
)


def decide(situation: Situation) -> HealDecision:
    """Return what to do about one service, with its reason."""
    for gate in GATES:
        answer = gate.ask(situation)
        if isinstance(answer, HealDecision):
            return answer
    if engine_gave_up(situation.target):
        return HealDecision(verdict=HealVerdict.ACT, reason=HealReason.ENGINE_GAVE_UP, action=HealAction.START)
    return HealDecision(verdict=HealVerdict.ACT, reason=HealReason.CONFIRMED_UNHEALTHY, action=HealAction.RESTART)
