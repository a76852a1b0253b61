"""What is kept of an hour or a day, and how do hours add up to days and both to any range?

Time is booked by the evaluator as it goes by; checks are counted by the keeper. Everything here adds up: the sum of the
hours of a day is that day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.history import histogram
from healthmon.history.together import Together, together
from healthmon.status.uptime import hour_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

DAY = timedelta(days=1)
MEDIAN, HIGH = 50, 95  # the percentiles that every chart draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The scheduled checks that found something out, and the response times of those that were answered, in microseconds.

    `minimum_us` and `maximum_us` are None when none was answered. `p50_us` and `p95_us` are what is kept beside the histogram of a
    single hour or day, and follow from it; None where they are not.
    """

    checks: int = 0
    healthy_checks: int = 0
    answers: int = 0
    sum_us: int = 0
    minimum_us: int | None = None
    maximum_us: int | None = None
    histogram: Mapping[int, int] = field(default_factory=dict)
    p50_us: float | None = field(default=None, compare=False)
    p95_us: float | None = field(default=None, compare=False)

    @property
    def average_us(self) -> float | None:
        return self.sum_us / self.answers if self.answers else None

    def percentile_us(self, percent: float) -> float | None:
        """Return a percentile of the response times. No bucket's middle is beyond what was seen."""
        kept = self.p50_us if percent == MEDIAN else self.p95_us if percent == HIGH else None
        if kept is not None:
            return kept
        spread = self.histogram
        found = spread.percentile(percent) if isinstance(spread, Together) else histogram.percentile(spread, percent)
        if found is None or self.minimum_us is None or self.maximum_us is None:
            return None
        return min(max(found, self.minimum_us), self.maximum_us)


class Counter:
    """Counts checks one by one: what many are is not made anew with each."""

    __slots__ = ("answers", "checks", "healthy_checks", "histogram", "maximum_us", "minimum_us", "sum_us")

    def __init__(self) -> None:
        self.checks = self.healthy_checks = self.answers = self.sum_us = 0
        self.minimum_us: int | None = None
        self.maximum_us: int | None = None
        self.histogram: dict[int, int] = {}

    def add(self, *, healthy: bool, response_time_us: int | None) -> None:
        self.checks += 1
        self.healthy_checks += healthy
        if response_time_us is None:
            return
        self.answers += 1
        self.sum_us += response_time_us
        if self.minimum_us is None or response_time_us < self.minimum_us:
            self.minimum_us = response_time_us
        if self.maximum_us is None or response_time_us > self.maximum_us:
            self.maximum_us = response_time_us
        number = histogram.bucket(response_time_us)
        self.histogram[number] = self.histogram.get(number, 0) + 1

    def counted(self) -> Counted:
        return Counted(
            checks=self.checks,
            healthy_checks=self.healthy_checks,
            answers=self.answers,
            sum_us=self.sum_us,
            minimum_us=self.minimum_us,
            maximum_us=self.maximum_us,
            histogram=self.histogram,
        )


def checks_of(parts: Iterable[Counted]) -> Counted:
    """Return the checks of all parts together."""
    known = list(parts)
    return Counted(
        checks=sum(one.checks for one in known),
        healthy_checks=sum(one.healthy_checks for one in known),
        answers=sum(one.answers for one in known),
        sum_us=sum(one.sum_us for one in known),
        minimum_us=min((one.minimum_us for one in known if one.minimum_us is not None), default=None),
        maximum_us=max((one.maximum_us for one in known if one.maximum_us is not None), default=None),
        histogram=together(one.histogram for one in known),
    )


def day_of(at: datetime) -> datetime:
    """Return the first instant of the day (of UTC) that `at` lies in."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """A range in the largest pieces that are kept: whole days, then hours on either side of them.

    Each pair is [from, until); `hours_before` begins with the hour that holds the range's first instant. A pair may be empty.
    """

    hours_before: tuple[datetime, datetime]
    days: tuple[datetime, datetime]
    hours_after: tuple[datetime, datetime]


def ranges(since: datetime, until: datetime, *, days_until: datetime | None) -> Ranges:
    """Return the pieces of [since, until): days are there until `days_until`, hours for all that is left."""
    first_day = day_of(since) if day_of(since) == since else day_of(since) + DAY
    last_day = first_day if days_until is None else max(first_day, min(day_of(until), days_until))
    begin = hour_of(since)
    if last_day == first_day:
        return Ranges(hours_before=(begin, until), days=(until, until), hours_after=(until, until))
    return Ranges(hours_before=(begin, first_day), days=(first_day, last_day), hours_after=(last_day, until))


def share_inside(start: datetime, length: timedelta, since: datetime, until: datetime) -> float:
    """Return which share of the stretch that begins at `start` lies in [since, until)."""
    inside = min(start + length, until) - max(start, since)
    return max(0.0, inside / length)
