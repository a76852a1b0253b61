"""What did the looks of the last minutes say of a service?"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One scheduled look that found something out."""

    at: datetime
    healthy: bool
    response_time_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The sum of a time. A ratio and a mean are None when there is nothing to divide by, all is when nobody keeps it."""

    checks: int | None
    failure_ratio: float | None
    response_time_avg_s: float | None


NOT_KEPT = Window(checks=None, failure_ratio=None, response_time_avg_s=None)


class RecentLooks:
    """The looks of the last hour at one service, oldest first."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque()

    def add(self, look: Look) -> None:
        """Take in a look; looks come in their order. One that seems to be from before the last starts anew: the clock was set."""
        if self._looks and look.at < self._looks[-1].at:
            self._looks.clear()
        self._looks.append(look)
        while self._looks[0].at < look.at - LONGEST:
            self._looks.popleft()

    def window(self, now: datetime, length: timedelta) -> Window:
        """Sum up the looks since `now - length`."""
        since = now - length
        checks = failures = answers = 0
        seconds = 0.0
        for look in reversed(self._looks):
            if look.at < since:
                break
            checks += 1
            failures += not look.healthy
            if look.response_time_s is not None:
                answers += 1
                seconds += look.response_time_s
        return Window(
            checks=checks,
            failure_ratio=failures / checks if checks else None,
            response_time_avg_s=seconds / answers if answers else None,
        )
