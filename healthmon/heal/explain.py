"""Why does healing do what it does about a service, gate by gate, and when can that change?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealReason, HealVerdict
from healthmon.heal.policy import GATES, Gate, decide

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.situation import Situation


class GateState(StrEnum):
    PASSED = "passed"
    OBJECTS = "objects"
    NOT_ASKED = "not_asked"  # there is nothing to ask it about


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """How one gate answers. `verdict` and `reason` are set where it objects, `until` where time alone lifts that."""

    name: str
    question: str
    state: GateState
    detail: str = ""
    verdict: HealVerdict | None = None
    reason: HealReason | None = None
    until: datetime | None = None

    @property
    def merely_waits(self) -> bool:
        """Whether it objects to what time, or one more look, may make right."""
        return self.verdict in {HealVerdict.WAIT, HealVerdict.LOOK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The decision, and every gate in the order in which they are asked.

    `earliest` is when there can be a restart at the earliest, as things stand: now, when nothing objects or only a look is
    missing; None, when something else than time has to change first.
    """

    decision: HealDecision
    gates: tuple[GateResult, ...]
    earliest: datetime | None


def explain(situation: Situation) -> Explanation:
    """Ask every gate, also those behind the first that objects: a person wants to know all that is in the way."""
    results, founded = [], True
    for gate in GATES:
        result = _ask(gate, situation) if founded else GateResult(name=gate.name, question=gate.question, state=GateState.NOT_ASKED)
        founded = founded and not (gate.is_foundation and result.state is GateState.OBJECTS)
        results.append(result)
    return Explanation(decision=decide(situation), gates=tuple(results), earliest=_earliest(results, situation.now))


def _ask(gate: Gate, situation: Situation) -> GateResult:
    answer = gate.ask(situation)
    if not isinstance(answer, HealDecision):
        return GateResult(name=gate.name, question=gate.question, state=GateState.PASSED, detail=answer.detail)
    return GateResult(
        name=gate.name,
        question=gate.question,
        state=GateState.OBJECTS,
        detail=answer.detail,
        verdict=answer.verdict,
        reason=answer.reason,
        until=answer.until,
    )


def _earliest(results: list[GateResult], now: datetime) -> datetime | None:
    objections = [result for result in results if result.state is GateState.OBJECTS]
    if not all(result.merely_waits for result in objections):
        return None
    return max((result.until for result in objections if result.until is not None), default=now)
