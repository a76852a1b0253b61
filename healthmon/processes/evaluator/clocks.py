"""The part of the evaluator that notices that the wall clock was set, or that time went by without us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.clock_step import MIN_STEP_S, ClockStep, Reading, step_between, suspended_s
from healthmon.store import clock_steps, facts

if TYPE_CHECKING:
    from healthmon.log import Log
    from healthmon.store.connection import Connection

DRIFT_S = 1.0  # slewing adds up: what is kept for the next start is written again when it is off by this
SUSPENDED_S = 5.0
STALLED_S = 15.0  # three times the pause of an idle loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """What is not as it was: everything in memory is to be read again."""

    is_evidence_void: bool


class Clocks:
    """Compares the wall clock with the one that nobody can set, over the life of a process and over its absence."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._last: Reading | None = None
        self._kept_offset_s = 0.0

    def look(self, connection: Connection) -> Surprise | None:
        """Follow what happened to the clocks since the last look; return what it was, if it was anything.

        Writes what follows in a transaction of its own; when that fails, the next look finds the same again.
        """
        now = Reading(wall=clock.now(), boottime_s=clock.boottime(), monotonic_s=clock.monotonic())
        step = self._step_while_away(connection, now) if self._last is None else step_between(self._last, now)
        if step is not None:
            with connection.transaction(durable=True):
                clock_steps.follow(connection, step)
                self._keep(connection, now)
            self._log.warning("clock_set", seconds=round(step.seconds, 3))
        elif self._last is None or abs(now.offset_s - self._kept_offset_s) > DRIFT_S:
            with connection.transaction(durable=False):
                self._keep(connection, now)
        surprise = self._surprise(step, now)
        self._last = now
        return surprise

    def _surprise(self, step: ClockStep | None, now: Reading) -> Surprise | None:
        last = self._last or now
        slept_s = suspended_s(last, now)
        if slept_s > SUSPENDED_S:
            self._log.warning("host_was_suspended", seconds=round(slept_s, 3))
        if step is not None or slept_s > SUSPENDED_S:
            return Surprise(is_evidence_void=True)
        stalled_s = now.monotonic_s - last.monotonic_s
        if stalled_s > STALLED_S:
            self._log.warning("stalled", seconds=round(stalled_s, 3))
            return Surprise(is_evidence_void=False)
        return None

    def _step_while_away(self, connection: Connection, now: Reading) -> ClockStep | None:
        """Over a boot nothing is known but that time does not go back."""
        offset_s = clock_steps.kept_offset_s(connection, clock.boot_id())
        if offset_s is not None:
            wall = now.wall + timedelta(seconds=offset_s - now.offset_s)
            return step_between(Reading(wall=wall, boottime_s=now.boottime_s, monotonic_s=now.monotonic_s), now)
        newest = clock_steps.newest_moment(connection)
        if newest is None or (newest - now.wall).total_seconds() < MIN_STEP_S:
            return None
        return ClockStep(before=newest, after=now.wall)

    def _keep(self, connection: Connection, now: Reading) -> None:
        self._kept_offset_s = now.offset_s
        clock_steps.keep_offset(connection, clock.boot_id(), self._kept_offset_s)
        if facts.noted_time(connection, facts.CLOCK_SET_AT) is None:
            facts.note_time(connection, facts.CLOCK_SET_AT, now.wall)

