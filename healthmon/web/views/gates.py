"""Why is a service restarted, or not: what does each gate say, and when can there be a restart at the earliest?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.explain import GateState
from healthmon.heal.words import answer_in_words, earliest_in_words, in_words

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.explain import GateResult
    from healthmon.processes.evaluator.explaining import Explained

PASSES, WAITS, FORBIDS, NOT_ASKED = "passes", "waits", "forbids", "not asked"
SHAPES = {PASSES: "healthy", WAITS: "warning", FORBIDS: "unhealthy", NOT_ASKED: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    question: str
    word: str
    shape: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    decision: str
    earliest: str
    rows: tuple[GateRow, ...]


def why(found: Explained) -> Why:
    situation = found.situation
    earliest = earliest_in_words(found.explanation, situation.state.status, situation.now)
    return Why(
        decision=in_words(found.explanation.decision, dry_run=situation.settings.dry_run),
        earliest=f"{earliest[0].upper()}{earliest[1:]}.",
        rows=tuple(_row(one, situation.now) for one in found.explanation.gates),
    )


def _row(gate: GateResult, now: datetime) -> GateRow:
    word = _word(gate)
    return GateRow(question=gate.question, word=word, shape=SHAPES[word], answer=answer_in_words(gate, now))


def _word(gate: GateResult) -> str:
    if gate.state is GateState.OBJECTS:
        return WAITS if gate.merely_waits else FORBIDS
    return PASSES if gate.state is GateState.PASSED else NOT_ASKED
