"""How were values spread, so that a percentile of a month can be told from its hours?

Buckets as HdrHistogram has them: 64 in each doubling. The middle of a bucket is off by at most 1/128 (0.8 percent) of any
value in it, whatever its size; below 128 they are exact. Integers alone, so two histograms add up to what one would have
counted. The values are microseconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


def percentile(counts: Counts, percent: float) -> float | None:
    """Return the value that `percent` of all do not exceed (the nearest rank), or None when there is none."""
    total = sum(counts.values())
    rank = max(1, math.ceil(total * percent / 100))
    for number in sorted(counts):
        rank -= counts[number]
        if rank <= 0:
            return middle(number)
    return None


def encode(counts: Counts) -> bytes:
    """Write counts down, the highest bucket first: by bucket, the distance to the one above (of the first, its number) and the count,
    as varints. So who asks for a high percentile has to read no more than a few bytes.
    """
    text = bytearray()
    above = None
    for number, count in sorted(counts.items(), reverse=True):
        for left in (number if above is None else above - number, count):
            while left > _SEVEN:
                text.append(left & _SEVEN | _MORE)
                left >>= 7  # noqa: PLW2901  seven bits a turn
            text.append(left)
        above = number
    return bytes(text)


def decode(text: bytes) -> dict[int, int]:
    """Read what `encode` wrote."""
    counts: dict[int, int] = {}
    add_encoded(counts, [text], 0)
    return counts


def add_encoded(total: dict[int, int], texts: Iterable[bytes], lowest: int) -> None:
    """Add what `encode` wrote to `total`, text by text, each down to the bucket `lowest`. A month of a thousand services are 50,000."""
    for text in texts:
        number = -1
        value = shift = 0
        is_count = False
        for byte in text:
            value |= (byte & _SEVEN) << shift
            if byte & _MORE:
                shift += 7
                continue
            if is_count:
                total[number] = total.get(number, 0) + value
            else:
                number = value if number < 0 else number - value
                if number < lowest:
                    break
            is_count = not is_count
            value = shift = 0
