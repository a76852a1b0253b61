"""How were values spread, so that a percentile of a month can be told from its hours?

Buckets as HdrHistogram has them: 64 in each doubling. The middle of a bucket is off by at most 1/128 (0.8 percent) of any
value in it, whatever its size; below 128 they are exact. Integers alone, so two histograms add up to what one would have
counted. The values are microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator

    Counts = Mapping[int, int]  # bucket -> how many values

_PRECISION = 6  # 2 ** 6 buckets in a doubling
_EXACT_BELOW = 2 << _PRECISION
MAX_ERROR = 1 / _EXACT_BELOW
_MORE, _SEVEN = 0x80, 0x7F  # a varint: seven bits a byte, the lowest first


def bucket(value: int) -> int:
    """Return the bucket of a value. Negative ones, of a clock that went back, are counted as 0."""
    if value < _EXACT_BELOW:
        return max(0, value)
    shift = value.bit_length() - _PRECISION - 1
    return (shift << _PRECISION) + (value >> shift)


def middle(number: int) -> float:
    """Return the value that a bucket stands for."""
    if number < _EXACT_BELOW:
        return number
    shift = (number >> _PRECISION) - 1
    lowest = ((number & ((1 << _PRECISION) - 1)) + (1 << _PRECISION)) << shift
    return lowest + ((1 << shift) - 1) / 2


def merged(histograms: Iterable[Counts]) -> dict[int, int]:
    """Return the counts of all together."""
    total: dict[int, int] = {}
    for counts in histograms:
        for number, count in counts.items():
            total[number] = total.get(number, 0) + count
    return total


def percentile(counts: Counts, percent: float) -> float | None:
    """Return the value that `percent` of all do not exceed (the nearest rank), or None when there is none."""
    total = sum(counts.values())
    rank = max(1, math.ceil(total * percent / 100))
    for number in sorted(counts):
        rank -= counts[number]
        if rank <= 0:
            return middle(number)
    return None


def share_below(counts: Counts, limit: float) -> float | None:
    """Return which share of the values lies below `limit`, or None when there is none. A bucket counts as its middle."""
    total = sum(counts.values())
    below = sum(count for number, count in counts.items() if middle(number) < limit)
    return below / total if total else None


def encode(counts: Counts) -> bytes:
    """Write counts down: by bucket, the distance to the one before and the count, as varints."""
    text = bytearray()
    before = 0
    for number in sorted(counts):
        for left in (number - before, counts[number]):
            while left > _SEVEN:
                text.append(left & _SEVEN | _MORE)
                left >>= 7  # noqa: PLW2901  seven bits a turn
            text.append(left)
        before = number
    return bytes(text)


def decode(text: bytes) -> dict[int, int]:
    """Read what `encode` wrote."""
    counts: dict[int, int] = {}
    number = value = shift = 0
    is_count = False
    for byte in text:
        value |= (byte & _SEVEN) << shift
        if byte & _MORE:
            shift += 7
            continue
        if is_count:
            counts[number] = value
        else:
            number += value
        is_count = not is_count
        value = shift = 0
    return counts


class Encoded(Mapping[int, int]):
    """Counts as `encode` wrote them, read when somebody looks: most hours are only asked for what stands beside them."""

    __slots__ = ("_counts", "_text")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._counts: dict[int, int] | None = None

    def _read(self) -> dict[int, int]:
        if self._counts is None:
            self._counts = decode(self._text)
        return self._counts

    def __getitem__(self, number: int) -> int:
        return self._read()[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> ItemsView[int, int]:
        return self._read().items()  # four times as fast as what Mapping makes of the three above
