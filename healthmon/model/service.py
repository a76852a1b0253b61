"""What is watched?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as the database knows it. The id is ours and lives as long as the name does."""

    service_id: int
    name: str
    group: str
    critical: bool
