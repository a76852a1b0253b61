"""What does a condition say? The door to the rule language.

    status == 'unhealthy' and critical
    response_time > expected * 2
    failure_ratio_5m > 0.5 AND checks_5m >= 5 OR NOT healthy

Comparison, `and`, `or`, `not`, arithmetic, brackets, numbers, texts, `true` and `false`, and the names of
`variables`. No calls, no attributes, no indexing, no patterns, no powers, and a bounded length and depth: whatever
stands in a condition, it is read, checked and asked in a time that is bounded, and can reach nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from healthmon.rules.checking import check
from healthmon.rules.compiling import Truth, compiled
from healthmon.rules.parser import parse
from healthmon.rules.tree import Node, facts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read and found right. `truth(facts)` is True, False, or None for unknown."""

    text: str
    tree: Node = field(repr=False)
    truth: Truth = field(repr=False, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the facts that it asks for, each once, from left to right."""
        return _names(self.tree)


def _names(tree: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(variable.fact for variable in facts_of(tree)))


def asked_of(text: str, *, threshold: float | None = None) -> tuple[str, ...]:
    """Return the facts that a condition asks for, without making ready to answer it. Raises ConditionError."""
    return _names(examined(text, threshold=threshold))


def understand(text: str, *, threshold: float | None = None, known: Mapping[str, Collection[str]] = NOTHING) -> Condition:
    """Return what `text` says, ready to be asked. Raises ConditionError with everything that is wrong with it.

    `threshold` is the rule's. `known` may name the values of variables that only the configuration limits:
    `{"service": …, "group": …}`.
    """
    tree = examined(text, threshold=threshold, known=known)
    return Condition(text, tree, compiled(tree))


def examined(text: str, *, threshold: float | None = None, known: Mapping[str, Collection[str]] = NOTHING) -> Node:
    """Return the checked tree alone. Raises ConditionError as `understand` does."""
    return check(parse(text), threshold=threshold, known=known)
