"""What is a condition made of? The nodes that the parser makes and the checker resolves.

The parser knows names only; the checker turns each into the `Fact` it reads, or into what it stands for. Chains of one
operator are one node, so that the depth of a tree is that of its brackets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from healthmon.rules.variables import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.rules.variables import Variable


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands in the condition: its first character, and the one after its last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constant:
    span: Span
    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it was written. The checker leaves none."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What has no meaning, and has been told. The checker goes on, to find what else is wrong."""

    span: Span


@dataclass(frozen=True, slots=True)
class Fact:
    span: Span
    variable: Variable


@dataclass(frozen=True, slots=True)
class Minus:
    span: Span
    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`operands` joined by `operators`, from left to right: either + and -, or * and /."""

    span: Span
    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    span: Span
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Not:
    span: Span
    operand: Node


@dataclass(frozen=True, slots=True)
class Junction:
    """`operands` joined by one word, `and` or `or`."""

    span: Span
    word: str
    operands: tuple[Node, ...]


Node: TypeAlias = Constant | Name | Wrong | Fact | Minus | Arithmetic | Comparison | Not | Junction


def kind_of(node: Node) -> Kind | None:
    """Return what sort of value a node has; None for a name, which says nothing yet, and for what is wrong."""
    match node:
        case Constant(value=bool()) | Comparison() | Not() | Junction():
            return Kind.BOOLEAN
        case Constant(value=str()):
            return Kind.TEXT
        case Constant() | Minus() | Arithmetic():
            return Kind.NUMBER
        case Fact():
            return node.variable.kind
    return None


def parts(node: Node) -> tuple[Node, ...]:
    """Return what stands directly inside a node."""
    match node:
        case Minus() | Not():
            return (node.operand,)
        case Comparison():
            return (node.left, node.right)
        case Arithmetic() | Junction():
            return node.operands
    return ()


def facts_of(node: Node) -> Iterator[Variable]:
    """Yield the variables that a node reads, from left to right."""
    if isinstance(node, Fact):
        yield node.variable
    for part in parts(node):
        yield from facts_of(part)
