"""The part of the keeper that counts what each hour's checks found, and adds hours up to days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import reach
from healthmon.history.rollups import checks_of, day_of
from healthmon.processes.keeper.summing import Summing
from healthmon.status.uptime import HOUR, WINDOW, hour_of
from healthmon.store import percentiles, rollups, stale_rollups
from healthmon.store.stale_rollups import RollupSpan, Stale

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection

EVERY_S = 600.0  # what is younger is read from the checks themselves
SETTLED = timedelta(minutes=1)  # so old a check of the present hour is committed, or late


class Counting:
    """Each step counts one hour, or adds up one day; then it waits for some minutes, and only keeps the sums up to date."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._summing = Summing(connection, settled=SETTLED)
        self._next_at = clock.monotonic()

    def step(self) -> float:
        """Count what is to be counted, oldest first; return the seconds until there may be more."""
        left_s = self._next_at - clock.monotonic()
        if left_s > 0:
            return min(left_s, self._summing.step())
        now = clock.now()
        if self._count_one_hour(now) or self._add_up_one_day(now):
            return 0.0
        self._finish(now)
        self._next_at = clock.monotonic() + EVERY_S
        return min(EVERY_S, self._summing.step())

    def _count_one_hour(self, now: datetime) -> bool:
        """Count the oldest hour that is over and not counted as it is now; return whether there was one."""
        present = hour_of(now)
        marks = {mark.start: mark for mark in stale_rollups.load(self._connection, RollupSpan.HOUR, until=present)}
        hours = sorted({*marks, *(hour for hour in stale_rollups.uncounted_hours(self._connection, now) if hour < present)})
        if not hours:
            return False
        reached = max(hours[0] + HOUR, stale_rollups.counted_until(self._connection) or hours[0])
        self._count(hours[0], hours[0] + HOUR, marks.get(hours[0]), reached=reached)
        return True

    def _count(self, hour: datetime, until: datetime, mark: Stale | None, *, reached: datetime) -> None:
        """Count an hour. Its mark was read before its checks: what was committed later has changed the mark by then."""
        counted = rollups.count(self._connection, hour, until)
        reach("keeper.counted")
        rollups.save_hour(self._connection, hour, counted, mark=mark, is_over=until >= hour + HOUR, reached=reached)
        reach("keeper.saved")

    def _add_up_one_day(self, now: datetime) -> bool:
        days = stale_rollups.load(self._connection, RollupSpan.DAY, until=day_of(now))
        if days:
            rollups.add_up_day(self._connection, days[0])
        return bool(days)

    def _finish(self, now: datetime) -> None:
        """Count the present hour as far as it has come, and tell how each service answered lately."""
        until = now - SETTLED
        hour = hour_of(until)
        self._count(hour, until, None, reached=until)
        stale_rollups.note_days_until(self._connection, day_of(now))
        found = {}
        for service_id in rollups.service_ids(self._connection):
            hours = rollups.hours(self._connection, service_id, hour_of(now - WINDOW), now)
            found[service_id] = checks_of(rollup.checks for _, rollup in hours)
        percentiles.save(self._connection, found, until=until)
        self._summing.bring_up_to_date(now)
