"""What was kept of a container when its service fell ill? A restart destroys the rest of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forensics:
    """Of one incident. `last_lines` are the container's newest log lines, cleaned and without our secrets."""

    incident_id: int
    taken_at: datetime
    target_id: str
    last_lines: tuple[str, ...]
