"""How are figures and times said on a page?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.clock import duration

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.status.uptime import Uptime

LEAST_SHARE = 0.1
FULLY_KNOWN = 99.0  # a percent unseen is no news


def age(since: datetime | None, now: datetime) -> str:
    """Return how long ago that was; empty when it is not known."""
    return "" if since is None else duration((now - since).total_seconds())


def milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def percentage(uptime: Uptime) -> str:
    return "unknown" if uptime.percentage is None else f"{uptime.percentage:.2f}%"


def coverage(uptime: Uptime) -> str:
    """Return how much of the time is known, where that is worth a word."""
    return "" if uptime.percentage is None or uptime.coverage > FULLY_KNOWN else f"{uptime.coverage:.0f}% known"


def failed(checks: int, healthy: int) -> str:
    """Return which share of the checks failed; nothing when none did."""
    if healthy >= checks:
        return ""
    share = 100 * (checks - healthy) / checks
    return f"{share:.1f}% failed" if share >= LEAST_SHARE else f"<{LEAST_SHARE}% failed"
