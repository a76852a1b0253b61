"""Why is a service restarted, or not: what does each gate say, and when can there be a restart at the earliest?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.clock import to_people
from healthmon.heal.decision import HealVerdict
from healthmon.heal.explain import GateState
from healthmon.heal.words import in_words
from healthmon.model.status import ServiceStatus
from healthmon.web.views import wording

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.explain import GateResult
    from healthmon.processes.evaluator.explaining import Explained

PASSES, WAITS, FORBIDS, NOT_ASKED = "passes", "waits", "forbids", "not asked"
SHAPES = {PASSES: "healthy", WAITS: "warning", FORBIDS: "unhealthy", NOT_ASKED: "unknown"}
MERELY_WAITS = frozenset({HealVerdict.WAIT, HealVerdict.LOOK})


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
    return Why(
        decision=in_words(found.explanation.decision, dry_run=situation.settings.dry_run),
        earliest=_earliest(found),
        rows=tuple(_row(one, situation.now) for one in found.explanation.gates),
    )


def _row(gate: GateResult, now: datetime) -> GateRow:
    word = _word(gate)
    until = "" if gate.until is None else f"until {to_people(gate.until)}, in {wording.duration((gate.until - now).total_seconds())}"
    return GateRow(question=gate.question, word=word, shape=SHAPES[word], answer="; ".join(filter(None, (gate.detail, until))))


def _word(gate: GateResult) -> str:
    if gate.state is GateState.OBJECTS:
        return WAITS if gate.verdict in MERELY_WAITS else FORBIDS
    return PASSES if gate.state is GateState.PASSED else NOT_ASKED


def _earliest(found: Explained) -> str:
    earliest, now = found.explanation.earliest, found.situation.now
    if found.situation.state.status is ServiceStatus.HEALTHY:
        return "There is nothing to heal: it is healthy."
    if earliest is None:
        return "No restart before something else than time has changed."
    if earliest <= now:
        return "A restart can come now, after a last look that fails."
    return f"Earliest restart: {to_people(earliest)}, in {wording.duration((earliest - now).total_seconds())}, if nothing else comes in its way."
