"""Which services does a person work on, and until when?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """What a person began by hand. Windows that come again stand in the configuration."""

    maintenance_id: int
    services: tuple[str, ...]  # their names
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
