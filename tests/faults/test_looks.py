"""The judges of a schedule and of what is told must be able to fail."""

from __future__ import annotations

import pytest

from tests.faults.asking import assert_told
from tests.faults.controls import caught
from tests.faults.looks import SCHEDULED, Seen, assert_on_schedule, worst_lateness_s


def a_look(at: float, *, reason: str = "ok", error: str = "", kind: int = SCHEDULED) -> Seen:
    return Seen(service="s", began_at=at, ended_at=at + 0.01, kind=kind, reason=reason, error=error)


def on_time(count: int = 200) -> list[Seen]:
    """The first look stands off the grid, as a prober's does."""
    return [a_look(0.3), *(a_look(1.0 + number) for number in range(count))]


def test_looks_on_their_grid_are_on_time_and_rechecks_do_not_count() -> None:
    assert_on_schedule([*on_time(), a_look(7.4, kind=1)], interval_s=1.0)


def test_more_than_one_late_look_in_a_hundred_is_told() -> None:
    late = [a_look(1.0 + number + (0.3 if number in {50, 100, 150} else 0)) for number in range(200)]
    with pytest.raises(AssertionError, match="300 ms late"):
        assert_on_schedule([a_look(0.3), *late], interval_s=1.0)
    assert_on_schedule([a_look(0.3), *late], interval_s=1.0, host_late_s=0.1)


def test_looks_that_fell_out_are_late_by_an_interval() -> None:
    gaps = [look for look in on_time() if look.began_at not in {50.0, 51.0, 100.0}]
    assert worst_lateness_s(gaps, interval_s=1.0) == 1.0


def test_a_healthy_service_that_was_called_ill_is_told() -> None:
    with pytest.raises(AssertionError, match="said to be ill: timeout"):
        assert_on_schedule([*on_time(), a_look(250.0, reason="timeout")], interval_s=1.0)


def test_too_few_looks_are_no_proof() -> None:
    with pytest.raises(AssertionError, match="too few"):
        assert_on_schedule(on_time(20), interval_s=1.0)


def test_a_failure_must_be_there_and_be_told_as_it_should() -> None:
    assert_told("s", "no answer", [a_look(0.0, reason="timeout", error="no answer within 1 s")])
    for found in ([a_look(0.0)], [a_look(0.0, reason="timeout", error="something else")]):
        with pytest.raises(AssertionError):
            assert_told("s", "no answer", found)


def test_a_control_that_catches_nothing_or_something_else_fails() -> None:
    def fails() -> None:
        raise AssertionError("held its service for 3 s")

    assert caught(fails, saying="held its service") < 1
    with pytest.raises(AssertionError, match="blind"):
        caught(lambda: None, saying="held its service")
    with pytest.raises(AssertionError, match="for 3 s"):
        caught(fails, saying="grew by")
