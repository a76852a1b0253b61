"""How far is each rule of a service, as JSON? The keys only ever grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import iso
from healthmon.model.alert import AlertSeverity
from healthmon.model.rule_state import RulePhase
from healthmon.rules.variables import Value

if TYPE_CHECKING:
    from healthmon.processes.evaluator.ruling import Ruling


class RuleDocument(TypedDict):
    """`values` are of all names that the condition asks for; null is unknown, as is `holds` when nobody can tell."""

    name: str
    severity: AlertSeverity
    condition: str
    holds: bool | None
    phase: RulePhase | None
    since: str | None
    unknown_since: str | None
    duration_seconds: float
    keep_firing_seconds: float
    explanation: str
    values: dict[str, Value]


def document(ruling: Ruling) -> RuleDocument:
    rule, state = ruling.rule, ruling.state
    return RuleDocument(
        name=rule.name,
        severity=rule.severity,
        condition=rule.condition.text,
        holds=ruling.holds,
        phase=None if state is None else state.phase,
        since=None if state is None else iso(state.since),
        unknown_since=None if state is None else iso(state.unknown_since),
        duration_seconds=rule.timing.duration.total_seconds(),
        keep_firing_seconds=rule.timing.keep_firing.total_seconds(),
        explanation=ruling.explanation.text,
        values=dict(ruling.asked),
    )
