"""What does the container of a service use?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`memory_percent` is of its limit, else of the host's memory; `cpu_percent` of one core, None until seen twice."""

    observed_at: datetime
    memory_percent: float
    cpu_percent: float | None
