"""Booked time and the uptime that follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import HOUR, Booked, Span, Uptime, apart, book, hour_of, spans_until, total, uptime
from tests.builders import NOW, ago

GAP = timedelta(seconds=100)
HEALTHY = ServiceState(
    service_id=1,
    status=ServiceStatus.HEALTHY,
    status_since=ago(600),
    last_checked_at=ago(30),
    accounted_until=ago(30),
)


def spans(before: ServiceState, after: ServiceState, at: datetime = NOW) -> list[tuple[str, float]]:
    found = spans_until(before, after, at, max_gap=GAP)
    return [(span.status.value, (span.end - span.start).total_seconds()) for span in found]


def test_the_time_between_two_good_looks_is_healthy() -> None:
    assert spans(HEALTHY, HEALTHY) == [("healthy", 30)]


def test_a_confirmed_failure_counts_from_its_first_failed_look() -> None:
    after = replace(HEALTHY, status=ServiceStatus.UNHEALTHY, streak_started_at=ago(4))
    assert spans(HEALTHY, after) == [("healthy", 26), ("unhealthy", 4)]


def test_a_gap_is_known_only_for_as_long_as_a_look_is_believed() -> None:
    before = replace(HEALTHY, accounted_until=ago(1_000))
    assert spans(before, HEALTHY) == [("healthy", 100), ("unknown", 900)]


def test_a_failure_after_a_gap_does_not_reach_back_into_it() -> None:
    before = replace(HEALTHY, accounted_until=ago(1_000))
    after = replace(HEALTHY, status=ServiceStatus.UNHEALTHY, streak_started_at=ago(4))
    assert spans(before, after) == [("healthy", 100), ("unknown", 896), ("unhealthy", 4)]


def test_nothing_is_booked_before_the_first_look_or_when_the_clock_went_back() -> None:
    assert spans(replace(HEALTHY, accounted_until=None), HEALTHY) == []
    assert spans(replace(HEALTHY, accounted_until=NOW + timedelta(hours=1)), HEALTHY) == []


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({}, Uptime()),
        ({ago(0): Booked(unknown_s=60)}, Uptime()),
        ({ago(0): Booked(healthy_s=3_600)}, Uptime(percentage=100.0, coverage=100.0)),
        ({ago(0): Booked(healthy_s=900, unhealthy_s=100)}, Uptime(percentage=90.0, coverage=100.0)),
        ({ago(0): Booked(healthy_s=450, unhealthy_s=50, unknown_s=500)}, Uptime(percentage=90.0, coverage=50.0)),
        ({ago(86_400 + 3_600): Booked(unhealthy_s=3_600)}, Uptime()),
        # half of the oldest hour lies inside the window
        (
            {ago(86_400 + 1_800): Booked(unhealthy_s=3_600), ago(0): Booked(healthy_s=1_800)},
            Uptime(percentage=50.0, coverage=100.0),
        ),
    ],
)
def test_uptime_is_the_healthy_share_of_the_known_time(hours: dict[datetime, Booked], expected: Uptime) -> None:
    assert uptime(hours, NOW) == expected


@given(st.floats(0, 10_000), st.floats(0.001, 20_000))
def test_booking_neither_loses_nor_invents_time(start_s: float, length_s: float) -> None:
    start = hour_of(NOW) + timedelta(seconds=start_s)
    span = Span(status=ServiceStatus.HEALTHY, start=start, end=start + timedelta(seconds=length_s))
    booked = book({}, span)
    assert sum(hours.healthy_s for hours in booked.values()) == pytest.approx((span.end - span.start).total_seconds())
    assert all(hours.healthy_s <= HOUR.total_seconds() + 1e-6 for hours in booked.values())


OUTSIDE: list[tuple[str, list[tuple[float, float]], list[tuple[float, float]]]] = [
    ("no maintenance", [], [(60, 0)]),
    ("before and after", [(90, 61), (0, -30)], [(60, 0)]),
    ("all of it", [(90, -30)], []),
    ("the beginning", [(90, 40)], [(40, 0)]),
    ("the end", [(20, -30)], [(60, 20)]),
    ("the middle", [(40, 20)], [(60, 40), (20, 0)]),
    ("two that overlap, in any order", [(30, 10), (50, 20)], [(60, 50), (10, 0)]),
    ("one within another", [(50, 10), (40, 20)], [(60, 50), (10, 0)]),
]


@pytest.mark.parametrize(("case", "periods", "left"), OUTSIDE, ids=[case[0] for case in OUTSIDE])
def test_time_in_maintenance_is_booked_apart(case: str, periods: list[tuple[float, float]], left: list[tuple[float, float]]) -> None:
    """Seconds before now."""
    span = Span(status=ServiceStatus.HEALTHY, start=ago(60), end=NOW)
    found = apart(span, [(ago(start), ago(end)) for start, end in periods])
    outside = [part for part in found if not part.in_maintenance]
    assert [((NOW - part.start).total_seconds(), (NOW - part.end).total_seconds()) for part in outside] == left, case
    assert [part.start for part in found[1:]] == [part.end for part in found[:-1]]
    booked = total(hours for part in found for hours in book({}, part).values())
    assert booked == Booked(healthy_s=sum(start - end for start, end in left), maintenance_s=60 - booked.healthy_s)
