"""Why does a condition hold, or why can that not be told? In the values it rests on.

Of an `and` that is false only the false sides count, of an `or` that is true only the true ones, of either one that
is unknown only the unknown ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.rules.evaluation import evaluate, truth
from healthmon.rules.quantity import shown_pair, unit_of
from healthmon.rules.tree import Comparison, Constant, Junction, Node, Not, facts_of, kind_of
from healthmon.rules.variables import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.rules.language import Condition
    from healthmon.rules.variables import Facts, Value

MAX_CHARS = 1_000
MAX_SOURCE_CHARS = 80

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`operands` are the facts that decided, each once, as (name, value); None is unknown. `text` is one line."""

    truth: bool | None
    operands: tuple[tuple[str, Value], ...]
    text: str


def explain(condition: Condition, facts: Facts) -> Explanation:
    """Return why `condition` is true, false or unknown for these facts."""
    claims = list(_claims(condition.tree, facts))
    names = dict.fromkeys(variable.fact for claim in claims for variable in facts_of(claim))
    said = dict.fromkeys(_said(claim, facts, condition.text, alone=len(claims) == 1) for claim in claims)
    line = " ".join(": ".join(filter(None, (condition.text, ", ".join(said)))).split())
    return Explanation(
        truth=condition.truth(facts),
        operands=tuple((name, getattr(facts, name)) for name in names),
        text=line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…",
    )


def _claims(node: Node, facts: Facts) -> Iterator[Node]:
    """Yield the comparisons and switches that make a node what it is."""
    match node:
        case Constant():
            return
        case Not():
            yield from _claims(node.operand, facts)
        case Junction():
            found = truth(node, facts)
            everything = found is (node.word == "and")
            for operand in node.operands:
                if everything or truth(operand, facts) is found:
                    yield from _claims(operand, facts)
        case Comparison() if kind_of(node.left) is Kind.BOOLEAN:
            yield from _claims(node.left, facts)
            yield from _claims(node.right, facts)
        case _:
            yield node


def _said(claim: Node, facts: Facts, source: str, *, alone: bool) -> str:
    """Say one claim with its values."""
    if not isinstance(claim, Comparison):
        return _values(claim, facts)
    if evaluate(claim, facts) is None:
        return _unknown(claim, facts, source)
    return _numbers(claim, facts, source, alone=alone) if kind_of(claim.left) is Kind.NUMBER else _values(claim, facts)


def _values(claim: Node, facts: Facts) -> str:
    names = dict.fromkeys(variable.fact for variable in facts_of(claim))
    return ", ".join(_named(name, getattr(facts, name)) for name in names)


def _named(name: str, value: Value) -> str:
    if value is None:
        return f"{name} is not known"  # `unknown` is a status
    return f"{name} = {str(value).lower() if isinstance(value, bool) else value}"


def _unknown(claim: Comparison, facts: Facts, source: str) -> str:
    missing = dict.fromkeys(variable.fact for variable in facts_of(claim) if getattr(facts, variable.fact) is None)
    if missing:
        return ", ".join(_named(name, None) for name in missing)
    return f"{_source(claim, source)} cannot be worked out: a division by zero, or a number too large"


def _numbers(claim: Comparison, facts: Facts, source: str, *, alone: bool) -> str:
    """Say what holds: for a comparison that is false, its opposite."""
    operator = claim.operator if evaluate(claim, facts) else _OPPOSITE[claim.operator]
    left, right = claim.left, claim.right
    if not alone and isinstance(left, Constant):
        left, right, operator = right, left, _MIRRORED[operator]
    unit = unit_of(left) or unit_of(right)
    shown = shown_pair(_float(left, facts), _float(right, facts), unit)
    return f"{'' if alone else _source(left, source) + ' '}{shown[0]} {operator} {shown[1]}"


def _float(node: Node, facts: Facts) -> float:
    return float(evaluate(node, facts) or 0)


def _source(node: Node, source: str) -> str:
    written = source[node.span.start : node.span.end]
    return written if len(written) <= MAX_SOURCE_CHARS else written[: MAX_SOURCE_CHARS - 1] + "…"
