"""What a moment from before the clock was set is in the new time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthmon.clock_step import ClockStep, Reading, step_between, suspended_s
from tests.builders import NOW

DAY = 86_400
YEARS = 3_652 * DAY


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@pytest.mark.parametrize("size", [3_600, -3_600, YEARS, -YEARS, 30, -30])
@pytest.mark.parametrize("age", [20, 60, 600, 7 * DAY])
def test_what_was_some_time_ago_still_is(size: float, age: float) -> None:
    step = ClockStep(before=NOW, after=NOW + seconds(size))
    assert step.after - step.moved(NOW - seconds(age)) == seconds(age)


@pytest.mark.parametrize("size", [3_600, -3_600, YEARS, -YEARS])
def test_what_lies_ahead_still_does(size: float) -> None:
    step = ClockStep(before=NOW, after=NOW + seconds(size))
    assert step.moved(NOW + seconds(30)) - step.after == seconds(30)


@pytest.mark.parametrize("size", [3_600, -3_600, YEARS, -YEARS])
def test_what_was_written_in_the_new_time_before_the_step_was_noticed_stays(size: float) -> None:
    step = ClockStep(before=NOW, after=NOW + seconds(size))
    written = step.after - seconds(3)
    assert step.moved(written) == written


def test_an_hour_that_comes_again_is_taken_as_the_new_one_because_that_waits_longer() -> None:
    step = ClockStep(before=NOW, after=NOW - seconds(3_600))
    assert step.moved(NOW - seconds(3_603)) == NOW - seconds(3_603)


@pytest.mark.parametrize(
    ("wall", "boottime", "monotonic", "step", "suspended"),
    [
        (10, 10, 10, None, 0),
        (11, 10, 10, None, 0),  # slewed
        (3_610, 10, 10, 3_600, 0),
        (-3_590, 10, 10, -3_600, 0),
        (7_200, 7_200, 10, None, 7_190),  # suspended: the wall clock is right
        (7_200, 10, 10, 7_190, 0),
        (0, 7_200, 10, -7_200, 7_190),  # suspended, and set back
    ],
)
def test_a_step_is_told_from_a_suspension(wall: float, boottime: float, monotonic: float, step: float | None, suspended: float) -> None:
    earlier = Reading(wall=NOW, boottime_s=100, monotonic_s=50)
    later = Reading(wall=NOW + seconds(wall), boottime_s=100 + boottime, monotonic_s=50 + monotonic)
    found = step_between(earlier, later)
    assert (None if found is None else found.seconds, suspended_s(earlier, later)) == (step, suspended)
