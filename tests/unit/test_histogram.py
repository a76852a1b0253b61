"""How values were spread: every percentile within a percent, and parts that add up to the whole."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from healthmon.history import histogram
from healthmon.history.histogram import MAX_ERROR, bucket, decode, encode, middle, percentile
from healthmon.history.together import Encoded, together

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

MICROSECONDS = st.integers(min_value=0, max_value=86_400_000_000)


def counted(values: list[int]) -> dict[int, int]:
    return dict(Counter(map(bucket, values)))


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
    assert together(counted(hour) for hour in hours) == counted([value for hour in hours for value in hour])


@given(st.dictionaries(st.integers(0, 5_000), st.integers(1, 10**9), max_size=100))
def test_what_is_written_down_is_read_back(counts: dict[int, int]) -> None:
    assert decode(encode(counts)) == counts


@given(
    st.lists(st.tuples(st.lists(MICROSECONDS, max_size=60), st.sampled_from(["plain", "encoded", "known"])), max_size=8),
    st.integers(0, 8),
    st.lists(st.sampled_from([0, 1, 50, 90, 95, 99, 100]), min_size=1, max_size=4),
)
def test_a_percentile_of_many_is_that_of_all_their_values(parts: list[tuple[list[int], str]], nested: int, percents: list[int]) -> None:
    """Whatever is known of each part, in whichever order one asks, and when parts are parts of parts."""
    made = [part(counted(values), kind) for values, kind in parts]
    found = together([together(made[:nested]), *made[nested:]])
    everything = counted([value for values, _ in parts for value in values])
    assert [found.percentile(percent) for percent in percents] == [percentile(everything, percent) for percent in percents]
    assert found == everything


def part(counts: dict[int, int], kind: str) -> dict[int, int] | Encoded:
    if kind == "plain":
        return counts
    known = (percentile(counts, 50), percentile(counts, 95)) if kind == "known" else (None, None)
    return Encoded(encode(counts), sum(counts.values()), *known)


def test_of_many_only_what_matters_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    hours = [counted([1_000 * service + 10 * number for number in range(100)]) for service in range(1, 11)]
    found = together(part(hour, "known") for hour in hours)
    plain = histogram.add_encoded

    def add_encoded(total: dict[int, int], texts: Iterable[bytes], lowest: int) -> None:
        read.append(lowest)
        plain(total, texts, lowest)

    monkeypatch.setattr(histogram, "add_encoded", add_encoded)
    assert found.percentile(95) == percentile(counted([1_000 * service + 10 * number for service in range(1, 11) for number in range(100)]), 95)
    assert min(read) >= bucket(10_400), "at least half of the last hour's values are the highest twentieth"


def test_a_part_that_has_fewer_values_than_it_says_does_not_end_in_nothing() -> None:
    assert together([Encoded(encode({5: 1, 9: 1}), 1_000)]).percentile(95) == 9


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 95) is None
    assert together([{}, together([])]).percentile(95) is None
    assert encode({}) == b""


def test_a_clock_that_went_back_is_no_negative_time() -> None:
    assert bucket(-5) == 0


def test_an_hour_of_a_steady_service_takes_a_few_bytes() -> None:
    assert len(encode(counted([10_000 + 7 * number for number in range(120)]))) < 50
