"""How values were spread: every percentile within a percent, and parts that add up to the whole."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.history.histogram import MAX_ERROR, bucket, decode, encode, merged, middle, percentile, share_below

MICROSECONDS = st.integers(min_value=0, max_value=86_400_000_000)


def counted(values: list[int]) -> dict[int, int]:
    return merged({bucket(value): 1} for value in values)


@given(MICROSECONDS)
def test_a_bucket_stands_for_its_values_within_a_percent(value: int) -> None:
    assert abs(middle(bucket(value)) - value) <= value * MAX_ERROR
    assert MAX_ERROR < 0.01


@given(MICROSECONDS, MICROSECONDS)
def test_a_larger_value_never_lies_in_a_lower_bucket(one: int, other: int) -> None:
    assert (bucket(one) <= bucket(other)) == (one <= other) or bucket(one) == bucket(other)


@given(st.lists(MICROSECONDS, min_size=1, max_size=200), st.sampled_from([0, 1, 50, 95, 99, 100]))
def test_a_percentile_is_the_nearest_rank_within_a_percent(values: list[int], percent: int) -> None:
    exact = sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]
    found = percentile(counted(values), percent)
    assert found is not None
    assert abs(found - exact) <= exact * MAX_ERROR


@given(st.lists(st.lists(MICROSECONDS, max_size=50), max_size=5))
def test_hours_add_up_to_their_day(hours: list[list[int]]) -> None:
    assert merged(counted(hour) for hour in hours) == counted([value for hour in hours for value in hour])


@given(st.dictionaries(st.integers(0, 5_000), st.integers(1, 10**9), max_size=100))
def test_what_is_written_down_is_read_back(counts: dict[int, int]) -> None:
    assert decode(encode(counts)) == counts


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 95) is None
    assert share_below({}, 1) is None
    assert encode({}) == b""


def test_a_clock_that_went_back_is_no_negative_time() -> None:
    assert bucket(-5) == 0


def test_the_share_that_was_fast_enough() -> None:
    assert share_below(counted([1_000_000] * 95 + [3_000_000] * 5), 2_000_000) == pytest.approx(0.95)


def test_an_hour_of_a_steady_service_takes_a_few_bytes() -> None:
    assert len(encode(counted([10_000 + 7 * number for number in range(120)]))) < 50
