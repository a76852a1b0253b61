"""The host's clock was set: what is a moment from before in the new time?

Docker, the checks and people all speak the wall clock, so it is what the database holds; but it can be set, by an hour
or by ten years, and what has to be waited out must neither be over at once nor take that long. So what the present
rests on is told anew in the new time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MIN_STEP_S = 5.0  # less than this is slewed, or does not matter
NOTICED_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All clocks at one moment. `boottime_s` goes on while the host is suspended, `monotonic_s` does not."""

    wall: datetime
    boottime_s: float
    monotonic_s: float

    @property
    def offset_s(self) -> float:
        """How far the wall clock is ahead of the one that nobody can set: within one boot, it changes with a step only."""
        return self.wall.timestamp() - self.boottime_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """`before` is what the old clock would have shown when the new one showed `after`."""

    before: datetime
    after: datetime

    @property
    def seconds(self) -> float:
        return (self.after - self.before).total_seconds()

    def moved(self, at: datetime) -> datetime:
        """Return the moment `at`, which was written before or just after the step, in the new time."""
        return at + (self.after - self.before) if self._is_of_the_old_clock(at) else at

    def moved_end(self, at: datetime) -> datetime:
        """Return the end of something, which lies ahead however far, in the new time."""
        return at + (self.after - self.before)

    def _is_of_the_old_clock(self, at: datetime) -> bool:
        """What is known of the order: nothing was written after `after`, and the step was noticed soon.

        Forward, the two clocks' times lie apart. Backward, a moment just before `after` may be of either: it is taken
        as new, for that waits longer.
        """
        if self.after > self.before:
            return at < self.before + (self.after - self.before) / 2
        return not self.after - NOTICED_WITHIN <= at <= self.after


def step_between(earlier: Reading, later: Reading) -> ClockStep | None:
    """Return the step of the wall clock between two readings of one boot, if there was one."""
    expected = earlier.wall + timedelta(seconds=later.boottime_s - earlier.boottime_s)
    step = ClockStep(before=expected, after=later.wall)
    return step if abs(step.seconds) >= MIN_STEP_S else None


def suspended_s(earlier: Reading, later: Reading) -> float:
    """Return for how long the host was suspended between two readings of one boot."""
    return (later.boottime_s - earlier.boottime_s) - (later.monotonic_s - earlier.monotonic_s)
