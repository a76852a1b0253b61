"""Does a condition mean anything? Resolves its names, checks the types, and finds all that is wrong at once."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.rules.problems import ConditionError, Problem
from healthmon.rules.tree import (
    Arithmetic,
    Comparison,
    Constant,
    Fact,
    Junction,
    Minus,
    Name,
    Node,
    Not,
    Wrong,
    facts_of,
    kind_of,
    parts,
)
from healthmon.rules.variables import THRESHOLD, VARIABLES, Kind, Unit, Variable
from healthmon.spelling import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_PROBLEMS = 10
MAX_LISTED = 20
EQUALITY = ("==", "!=")

# An example of how to make a condition of what is none.
_TO_BOOLEAN = {Kind.NUMBER: "response_time > 3", Kind.TEXT: "status == 'unhealthy'"}


def check(tree: Node, *, threshold: float | None, known: Mapping[str, Collection[str]]) -> Node:
    """Return the tree with every name resolved. Raises ConditionError with all that is wrong in it.

    `threshold` is the rule's; `known` has the values of those variables that only the configuration limits.
    """
    checker = _Checker(threshold, known)
    checked = checker.boolean(tree, "a condition")
    if not checker.problems and not any(facts_of(checked)):
        checker.tell(tree, "the condition is always the same: it must ask for something that changes, such as status")
    if checker.problems:
        raise ConditionError(*sorted(checker.problems, key=lambda problem: problem.column)[:MAX_PROBLEMS])
    return checked


class _Checker:
    def __init__(self, threshold: float | None, known: Mapping[str, Collection[str]]) -> None:
        self.problems: list[Problem] = []
        self._threshold = threshold
        self._known = known
        self._told: set[str] = set()  # unknown names: each is told once

    def tell(self, node: Node, message: str) -> Wrong:
        self.problems.append(Problem(node.span.start + 1, message))
        return Wrong(node.span)

    def boolean(self, node: Node, what: str) -> Node:
        """Check what must be true or false."""
        checked = self._checked(node)
        kind = kind_of(checked)
        if kind in (Kind.BOOLEAN, None):
            return checked
        return self.tell(node, f"{what} must be true or false, and this is {kind}: compare it, as in {_TO_BOOLEAN[kind]}")

    def _number(self, node: Node, what: str) -> Node:
        checked = self._checked(node)
        kind = kind_of(checked)
        if kind in (Kind.NUMBER, None):
            return checked
        return self.tell(node, f"{what} needs numbers, and this is {kind}")

    def _checked(self, node: Node) -> Node:
        match node:
            case Name():
                return self._name(node)
            case Minus():
                operand = self._number(node.operand, "-")
                return Constant(node.span, -float(operand.value)) if isinstance(operand, Constant) else replace(node, operand=operand)
            case Arithmetic():
                return self._arithmetic(node)
            case Comparison():
                return self._comparison(node)
            case Not():
                return replace(node, operand=self.boolean(node.operand, "what stands after not"))
            case Junction():
                operands = tuple(self.boolean(operand, f"each side of {node.word}") for operand in node.operands)
                return replace(node, operands=operands)
        return node

    def _name(self, node: Name) -> Node:
        if node.name == THRESHOLD:
            return self._limit(node)
        variable = VARIABLES.get(node.name)
        if variable is None:
            return self._unknown(node)
        if variable.equals is None:
            return Fact(node.span, variable)
        return Comparison(node.span, "==", Fact(node.span, VARIABLES[variable.fact]), Constant(node.span, variable.equals))

    def _limit(self, node: Name) -> Node:
        if self._threshold is not None:
            return Constant(node.span, float(self._threshold))
        return self.tell(node, "this rule has no threshold: give it one, or write the number here")

    def _unknown(self, node: Name) -> Node:
        if node.name in self._told:
            return Wrong(node.span)
        self._told.add(node.name)
        return self.tell(node, f"unknown name {quoted(node.name)}{nearest(node.name, VARIABLES) or _alike(node.name)}")

    def _arithmetic(self, node: Arithmetic) -> Node:
        operands = [self._number(node.operands[0], node.operators[0])]
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            checked = self._number(operand, operator)
            if operator == "/" and isinstance(checked, Constant) and checked.value == 0:
                checked = self.tell(operand, "division by zero: divide by something else")
            operands.append(checked)
        return self._folded(replace(node, operands=tuple(operands)))

    def _folded(self, node: Arithmetic) -> Node:
        """Work out what holds no variable, so that a division by `3 - 3` is found, too."""
        values = [operand.value for operand in node.operands if isinstance(operand, Constant)]
        if len(values) < len(node.operands):
            return node
        total = float(values[0])
        for operator, value in zip(node.operators, values[1:], strict=True):
            total = calculate(operator, total, float(value))
        return Constant(node.span, total) if math.isfinite(total) else self.tell(node, "this is too large for a number: the largest is about 1.8e308")

    def _comparison(self, node: Comparison) -> Node:
        if wrong := self._bare_text(node.left, node.right) or self._bare_text(node.right, node.left):
            return wrong
        checked = replace(node, left=self._checked(node.left), right=self._checked(node.right))
        kinds = kind_of(checked.left), kind_of(checked.right)
        if None in kinds:
            return checked
        if kinds[0] is not kinds[1]:
            return self._unlike(node, checked)
        if node.operator not in EQUALITY and kinds[0] is not Kind.NUMBER:
            return self.tell(node, f"{kinds[0]} can only be compared with == and !=, not with {node.operator}")
        return self._value(checked.left, checked.right) or self._value(checked.right, checked.left) or checked

    def _bare_text(self, node: Node, other: Node) -> Wrong | None:
        """Find a text whose quotes were forgotten: `status == unhealthy`."""
        if not (isinstance(node, Name) and isinstance(other, Name) and other.name in VARIABLES):
            return None
        values, own = self._values(VARIABLES[other.name]), VARIABLES.get(node.name)
        if node.name not in values or (own and own.kind is Kind.TEXT and (not own.values or set(own.values) & set(values))):
            return None
        return self.tell(node, f"texts stand in quotes: '{node.name}'")

    def _unlike(self, node: Comparison, checked: Comparison) -> Wrong:
        left, right = checked.left, checked.right
        message = f"{_shown(left)} is {kind_of(left)}, and {_shown(right)} is {kind_of(right)}: they cannot be compared"
        for this, other in ((left, right), (right, left)):
            if isinstance(other, Constant) and isinstance(this, Fact) and (values := self._values(this.variable)):
                message += f"; {this.variable.name} is {_listed(values)}"
            if isinstance(other, Constant) and str(other.value).lower() in ("true", "false") and kind_of(this) is Kind.BOOLEAN:
                message += f"; write {other.value} without quotes".lower()
        return self.tell(node.left if isinstance(left, Constant) else node.right, message)

    def _value(self, node: Node, other: Node) -> Wrong | None:
        """Find a value that a variable never has."""
        if not (isinstance(node, Fact) and isinstance(other, Constant)):
            return None
        name, value = node.variable.name, other.value
        if node.variable.unit is Unit.SHARE and not 0 <= float(value) <= 1:
            return self.tell(other, f"{name} is a share from 0 to 1, never {value:g}: half of the checks are 0.5")
        values = self._values(node.variable)
        if not values or value in values or not isinstance(value, str):
            return None
        return self.tell(other, f"{quoted(value)} is no value of {name}{nearest(value, values) or f'; it is {_listed(values)}'}")

    def _values(self, variable: Variable) -> Collection[str]:
        return variable.values or self._known.get(variable.fact, ())


def calculate(operator: str, left: float, right: float) -> float:
    """Return what Python's floats make of it: infinity or NaN when it is too large. `right` is no zero under a /."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "*" else left / right


def _shown(node: Node) -> str:
    if isinstance(node, Fact):
        return node.variable.name
    if isinstance(node, Constant):
        return f"{node.value:g}" if isinstance(node.value, float) else quoted(node.value) if isinstance(node.value, str) else str(node.value).lower()
    return "this" if parts(node) else "that"


def _listed(values: Collection[str]) -> str:
    shown = [quoted(value) for value in list(values)[:MAX_LISTED]]
    more = f" or {len(values) - MAX_LISTED} others" if len(values) > MAX_LISTED else ""
    return f"one of {', '.join(shown)}{more}"


def _alike(name: str) -> str:
    """Return the names that contain this one, or else all names."""
    within = [known for known in VARIABLES if name.casefold() in known] if len(name) >= 3 else []  # noqa: PLR2004  less is in too many
    return f"; there are {', '.join(within or VARIABLES)}"
