"""Which checks did a restart rest on, and was it needless?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HealEvidence:
    """The failed checks from the beginning of the outage, or from the restart before, until this one was planned.

    `good_before_at` is of a good check after the last of them and before the restart: it had recovered by itself.
    """

    failures: int
    first_at: datetime | None
    last_at: datetime | None
    error: str
    good_before_at: datetime | None
