"""What time is it, and how is time written down?

UTC everywhere. The database holds `YYYY-MM-DD HH:MM:SS.mmm`, which compares correctly with SQLite's
`datetime('now', ...)` as text, on the same day too; JSON and people get ISO 8601 with `Z`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))

monotonic = time.monotonic  # stands still while the host is suspended


def boottime() -> float:
    """Return the seconds since the host was booted, suspended or not. Nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the kernel's name for this boot: `boottime` compares within one only."""
    return BOOT_ID.read_text(encoding="ascii").strip()


def now() -> datetime:
    """Return the wall clock, in UTC, cut to the millisecond that the database keeps."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class Steady:
    """The wall clock as it goes on from now when nobody sets it: for waits whose times are compared with others' words."""

    def __init__(self) -> None:
        self._wall, self._boottime_s = now(), boottime()

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=boottime() - self._boottime_s)


def to_sql(at: datetime) -> str:
    """Write `at` as the database holds it."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def from_sql(text: str) -> datetime:
    """Read what `to_sql` wrote."""
    return datetime.fromisoformat(text + "+00:00")  # twice as fast as `replace`, and read by the thousand


def to_iso(at: datetime) -> str:
    """Write `at` for JSON and people: `2025-09-18T10:30:00Z`, with milliseconds where there are any."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds" if at.microsecond else "seconds")[: -len("+00:00")] + "Z"


def to_people(at: datetime) -> str:
    """Write `at` for people who read a message: `2025-09-18 10:30:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """Write a length of time for people, in its two largest units: `3 h 20 min`, `45 s`."""
    left = max(0, int(seconds))
    for (unit, size), (smaller, smaller_size) in pairwise(UNITS):
        if left >= size:
            count, rest = divmod(left, size)
            return f"{count} {unit} {rest // smaller_size} {smaller}" if rest >= smaller_size else f"{count} {unit}"
    return f"{left} s"


def from_iso(text: str) -> datetime:
    """Read what `to_iso` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)
