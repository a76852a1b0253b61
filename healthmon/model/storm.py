"""What is a time in which so many services are ill at once that the cause must lie elsewhere?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """At most one is open at a time. `ill` is the most that were ill at once, of `watched` services."""

    storm_id: int
    began_at: datetime
    ill: int
    watched: int
    calm_since: datetime | None = None  # so few are ill now that it is over soon
    ended_at: datetime | None = None
