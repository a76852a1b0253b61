"""A range in the largest pieces that are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.history.histogram import encode
from healthmon.history.rollups import DAY, Counted, Counter, checks_of, day_of, ranges, share_inside
from healthmon.history.together import Encoded
from healthmon.status.uptime import HOUR, Booked, hour_of, total

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = st.integers(0, 60 * 24 * 40).map(lambda minutes: BEGIN + timedelta(minutes=minutes))


@given(MINUTES, MINUTES, st.one_of(st.none(), MINUTES.map(day_of)))
def test_the_pieces_follow_each_other_without_gap_or_overlap(one: datetime, other: datetime, days_until: datetime | None) -> None:
    since, until = min(one, other), max(one, other)
    found = ranges(since, until, days_until=days_until)
    assert found.hours_before[0] == hour_of(since)
    assert found.hours_before[1] == found.days[0]
    assert found.days[1] == found.hours_after[0]
    assert found.hours_after[1] == until
    for edge in found.days:
        assert edge in {day_of(edge), until}
    if found.days[0] < found.days[1]:
        assert days_until is not None
        assert since <= found.days[0] < found.days[1] <= min(until, days_until)


def test_whole_days_are_read_as_days() -> None:
    found = ranges(BEGIN + 20 * HOUR, BEGIN + 5 * DAY + 6 * HOUR, days_until=BEGIN + 5 * DAY)
    assert found.hours_before == (BEGIN + 20 * HOUR, BEGIN + DAY)
    assert found.days == (BEGIN + DAY, BEGIN + 5 * DAY)
    assert found.hours_after == (BEGIN + 5 * DAY, BEGIN + 5 * DAY + 6 * HOUR)


@pytest.mark.parametrize(("since_min", "until_min", "share"), [(0, 60, 1.0), (30, 600, 0.5), (-60, 15, 0.25), (60, 90, 0.0), (10, 40, 0.5)])
def test_the_share_of_an_hour_that_lies_inside(since_min: int, until_min: int, share: float) -> None:
    since, until = BEGIN + timedelta(minutes=since_min), BEGIN + timedelta(minutes=until_min)
    assert share_inside(BEGIN, HOUR, since, until) == pytest.approx(share)


def counted(*looks: tuple[bool, int | None]) -> Counted:
    counter = Counter()
    for healthy, response_time_us in looks:
        counter.add(healthy=healthy, response_time_us=response_time_us)
    return counter.counted()


def test_parts_add_up_to_the_whole() -> None:
    one, other = counted((True, 1_000), (False, None)), counted((True, 3_000))
    assert checks_of([one, other, Counted()]) == counted((True, 1_000), (False, None), (True, 3_000))
    assert checks_of([]) == Counted()


def test_what_is_counted() -> None:
    found = counted((True, 1_000), (False, 5_000), (False, None))
    assert (found.checks, found.healthy_checks, found.answers, found.average_us) == (3, 1, 2, 3_000)
    assert (found.minimum_us, found.maximum_us) == (1_000, 5_000)
    assert found.percentile_us(99) == 5_000  # the bucket's middle is larger than anything that was seen
    assert Counted().percentile_us(99) is None
    assert Counted().average_us is None


def test_uptime_of_known_time_and_coverage_of_asked_time() -> None:
    found = total([Booked(healthy_s=80, unhealthy_s=20), Booked(unknown_s=50, maintenance_s=50)])
    assert found.uptime_percentage == 80
    assert found.coverage(250) == 50  # of 250 s, 50 were maintenance
    assert found.coverage(0) == found.coverage(50) == 0
    assert Booked().uptime_percentage is None


def test_what_is_kept_beside_a_histogram_is_what_it_says() -> None:
    found = counted((True, 1_000), (True, 5_000), (True, 3_000))
    kept = replace(found, p50_us=found.percentile_us(50), p95_us=found.percentile_us(95), histogram=Encoded(encode(found.histogram), 3))
    assert (kept.percentile_us(50), kept.percentile_us(95), kept.percentile_us(99)) == tuple(map(found.percentile_us, (50, 95, 99)))
    assert kept == found
    assert checks_of([kept, kept]) == checks_of([found, found])
