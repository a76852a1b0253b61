"""What the last minutes say of a service."""

from __future__ import annotations

from datetime import timedelta

from healthmon.status.recent import Look, RecentLooks, Window
from tests.builders import NOW, ago

FIVE = timedelta(minutes=5)


def looks(*found: tuple[float, bool]) -> RecentLooks:
    made = RecentLooks()
    for seconds, healthy in found:
        made.add(Look(at=ago(seconds), healthy=healthy, response_time_s=2.0 if healthy else None))
    return made


def test_a_window_counts_what_lies_in_it() -> None:
    made = looks((400, False), (301, False), (300, True), (20, False), (10, True), (1, True))
    assert made.window(NOW, FIVE) == Window(checks=4, failure_ratio=0.25, response_time_avg_s=2.0)


def test_without_looks_nothing_is_known() -> None:
    assert looks((400, True)).window(NOW, FIVE) == Window(checks=0, failure_ratio=None, response_time_avg_s=None)


def test_looks_older_than_the_longest_window_are_forgotten() -> None:
    made = looks((7_200, False), (3_601, False), (3_599, True), (0, True))
    assert made.window(NOW, timedelta(days=1)).checks == 2


def test_a_clock_that_was_set_back_starts_anew() -> None:
    made = looks((10, False), (500, True))
    assert made.window(ago(500), FIVE).failure_ratio == 0.0
