"""Where on a page does a time lie? One axis for all strips and lines of a page, worked out once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthmon.history.rollups import DAY, day_of
from healthmon.status.uptime import HOUR, hour_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

WIDTH = 1_440  # of a strip, in units of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An hour or a day from `start` on, as much of it as lies on the axis: from `left` to `right`.

    `bookable_s` is how much of it can be booked by now: what began before the axis is booked as a whole.
    """

    start: datetime
    left: int
    right: int
    bookable_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The time [since, until), in steps of an hour or a day."""

    since: datetime
    until: datetime
    step: timedelta = HOUR
    steps: tuple[Step, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self._cut()))

    def x(self, at: datetime) -> int:
        return round(WIDTH * self.share(at))

    def share(self, at: datetime) -> float:
        """Return which share of the axis lies before a time."""
        return (at - self.since) / (self.until - self.since)

    def _cut(self) -> Iterator[Step]:
        start = hour_of(self.since) if self.step < DAY else day_of(self.since)
        while start < self.until:
            end = min(start + self.step, self.until)
            bookable = self.step if end < self.until else end - start
            yield Step(start=start, left=self.x(max(start, self.since)), right=self.x(end), bookable_s=bookable.total_seconds())
            start += self.step
