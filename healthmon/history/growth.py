"""How fast does the database grow, and when is the disk full?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

DAY_S = 86_400.0


def per_day(sizes: Sequence[tuple[datetime, int]]) -> float | None:
    """Return the bytes that were added in a day on average; None when less than two days are known."""
    if len(sizes) < 2:  # noqa: PLR2004  a difference has two ends
        return None
    (first_at, first), (last_at, last) = sizes[0], sizes[-1]
    return (last - first) * DAY_S / (last_at - first_at).total_seconds()


def days_until_full(free_bytes: int, growth: float | None) -> float | None:
    """Return for how many days the free bytes will do; None when nothing is known, or it does not grow."""
    return free_bytes / growth if growth is not None and growth > 0 else None
