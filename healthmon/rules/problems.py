"""What is wrong with a condition, and where in it?"""

from __future__ import annotations

from dataclasses import dataclass

from healthmon.errors import UsageError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `column` counts the characters of the condition from 1."""

    column: int
    message: str

    def __str__(self) -> str:
        return f"column {self.column}: {self.message}"


class ConditionError(UsageError):
    """A condition that cannot be used, with every problem found in it."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))
