"""How are single values written in an answer? Times as ISO 8601, seconds to the microsecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.clock import to_iso

if TYPE_CHECKING:
    from datetime import datetime

OURSELVES = "healthmon"  # the service of what is about ourselves


def iso(at: datetime | None) -> str | None:
    return None if at is None else to_iso(at)


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def between(start: datetime, end: datetime | None) -> float | None:
    """Return how many seconds passed; None while it lasts."""
    return None if end is None else max(0.0, (end - start).total_seconds())
