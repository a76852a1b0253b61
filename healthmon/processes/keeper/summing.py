"""The part of the counting that keeps the sums of the last day, so that a page reads a line a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.status.uptime import WINDOW, hour_of
from healthmon.store import stale_rollups, sums

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.store.connection import Connection

EVERY_S = 60.0


class Summing:
    """Makes the sums anew, where a count or the clock has made them old, and adds what came since then."""

    def __init__(self, connection: Connection, *, settled: timedelta) -> None:
        self._connection = connection
        self._settled = settled
        self._next_at = clock.monotonic()

    def step(self) -> float:
        """Bring the sums up to date when it is time; return the seconds until then."""
        left_s = self._next_at - clock.monotonic()
        if left_s > 0:
            return left_s
        self.bring_up_to_date(clock.now())
        return EVERY_S

    def bring_up_to_date(self, now: datetime) -> None:
        """Do it now: everything has just been counted."""
        count = stale_rollups.counted_until(self._connection)
        if count is not None:
            since, kept = hour_of(now - WINDOW), sums.kept(self._connection)
            if kept is None or (kept.since, kept.count) != (since, count) or kept.until > now:  # by a clock that was ahead
                kept = sums.keep(self._connection, since, count=count)
            if kept.until < now - self._settled:
                sums.advance(self._connection, kept, now - self._settled)
        self._next_at = clock.monotonic() + EVERY_S
