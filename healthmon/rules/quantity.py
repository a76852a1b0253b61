"""What does a number count, and how is it written for a person?"""

from __future__ import annotations

import math

from healthmon.rules.tree import Arithmetic, Fact, Minus, Node
from healthmon.rules.variables import Unit

DIGITS = 3
MOST_DIGITS = 17
LARGE = 1e15
SMALL = 1e-4


def unit_of(node: Node) -> Unit:
    """Return the unit of a number: seconds times a number are seconds, seconds by seconds are none."""
    if isinstance(node, Fact):
        return Unit.NONE if node.variable.unit is Unit.SHARE else node.variable.unit
    if isinstance(node, Minus):
        return unit_of(node.operand)
    if not isinstance(node, Arithmetic):
        return Unit.NONE
    unit = unit_of(node.operands[0])
    for operator, operand in zip(node.operators, node.operands[1:], strict=True):
        unit = _joined(operator, unit, unit_of(operand))
    return unit


def _joined(operator: str, left: Unit, right: Unit) -> Unit:
    if operator in "+-":
        return left or right
    if right is Unit.NONE:
        return left
    return right if operator == "*" and left is Unit.NONE else Unit.NONE


def shown_pair(left: float, right: float, unit: Unit) -> tuple[str, str]:
    """Write two numbers that are compared: with few digits, but enough to tell them apart."""
    digits = DIGITS
    while digits < MOST_DIGITS and left != right and _written(left, digits) == _written(right, digits):
        digits += 1
    suffix = f" {unit}" if unit else ""
    return _written(left, digits) + suffix, _written(right, digits) + suffix


def _written(value: float, digits: int) -> str:
    """Write a number with at least so many digits that count, but all of its whole part: 1234, 5.2, 0.0123."""
    size = abs(value)
    if value == 0 or not SMALL <= size < LARGE:
        return f"{value:.{digits}g}" if value else "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
