"""What came of a command that was run before or after a restart?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class HookMoment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """`exit_code` is None where there is none, and `problem` says why. `output` is the end of what it said, without our secrets."""

    heal_id: int
    moment: HookMoment
    began_at: datetime
    took_s: float
    exit_code: int | None
    problem: str
    output: str

    @property
    def words(self) -> str:
        """Return it for people."""
        ended = self.problem or f"exit code {self.exit_code}"
        return f"hook {self.moment.value} the restart: {ended} after {self.took_s:.1f} s" + (f": {self.output}" if self.output else "")
