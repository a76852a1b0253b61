"""What is the value of a checked condition, step by step? The plain reading, which `compiling` must agree with.

None is unknown: a comparison with it is unknown, `and` is false as soon as one side is, `or` true as soon as one side
is. A division by zero, and a number too large for a float, are unknown, too.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from healthmon.rules.checking import calculate
from healthmon.rules.tree import Arithmetic, Comparison, Constant, Fact, Junction, Minus, Node, Not

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.rules.variables import Facts, Value

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(node: Node, facts: Facts) -> Value:
    """Return the value of a node."""
    match node:
        case Constant():
            return node.value
        case Fact():
            value: Value = getattr(facts, node.variable.fact)
            return value
        case Minus():
            operand = evaluate(node.operand, facts)
            return None if operand is None else -float(operand)
        case Arithmetic():
            return _arithmetic(node, facts)
        case Comparison():
            return _comparison(node, facts)
        case Not() | Junction():
            return truth(node, facts)
    raise TypeError(node)  # the checker leaves nothing else


def truth(node: Node, facts: Facts) -> bool | None:
    """Return the value of a node that is true, false or unknown."""
    match node:
        case Not():
            negated = truth(node.operand, facts)
            return None if negated is None else not negated
        case Junction():
            return _junction(node, facts)
    value = evaluate(node, facts)
    return None if value is None else bool(value)


def _arithmetic(node: Arithmetic, facts: Facts) -> float | None:
    total, *others = [evaluate(operand, facts) for operand in node.operands]
    for sign, other in zip(node.operators, others, strict=True):
        if total is None or other is None or (sign == "/" and other == 0):
            return None
        total = calculate(sign, float(total), float(other))
        if not math.isfinite(total):
            return None
    return None if total is None else float(total)


def _comparison(node: Comparison, facts: Facts) -> bool | None:
    left, right = evaluate(node.left, facts), evaluate(node.right, facts)
    if left is None or right is None:
        return None
    return _COMPARE[node.operator](left, right)


def _junction(node: Junction, facts: Facts) -> bool | None:
    decides = node.word == "or"
    found = [truth(operand, facts) for operand in node.operands]
    if decides in found:
        return decides
    return None if None in found else not decides
