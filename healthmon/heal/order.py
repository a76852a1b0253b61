"""Who is healed first, where not everybody can be at once?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An ill service in a queue."""

    service_id: int
    critical: bool
    is_root: bool  # others are ill that depend on it
    since: datetime

    def urgency(self) -> tuple[bool, bool, datetime, int]:
        """Sort by it for who is healed first: the critical, then roots, then the oldest outage."""
        return (not self.critical, not self.is_root, self.since, self.service_id)

    def harmlessness(self) -> tuple[bool, bool, datetime, int]:
        """Sort by it for who is tried first in a storm: a root, and not what everything stands on."""
        return (not self.is_root, self.critical, self.since, self.service_id)
