"""How far is one rule for one service?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class RulePhase(StrEnum):
    """A rule whose condition does not hold has no state at all."""

    PENDING = "pending"  # it holds, but not for long enough yet
    FIRING = "firing"
    KEEPING = "keeping"  # it holds no more, but not for long enough yet


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """`since` is when the phase began, later by the time in which nothing was known; `unknown_since` is set in such."""

    service_id: int
    rule: str
    phase: RulePhase
    since: datetime
    unknown_since: datetime | None = None
