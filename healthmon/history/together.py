"""What is a percentile of many histograms, when as little of them as can be is read?

Two percentiles are known of most parts, and so how many of their values lie at or above them. Where these make up as many as are
asked for, nothing below has to be read: of the hours and days of a month that is a tenth, for the 95th percentile. A thousand
services' service levels rest on fifty thousand histograms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from healthmon.history import histogram

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, Sequence

    from healthmon.history.histogram import Counts

LIKELY = 0.8


class Encoded(Mapping[int, int]):
    """Counts as `histogram.encode` wrote them, read when somebody looks.

    `size` is how many values they are of. At least half of these are not below `median`, at least a twentieth not below `high`: None
    or 0 where that is not known.
    """

    __slots__ = ("_counts", "_text", "high", "median", "size")

    def __init__(self, text: bytes, size: int, median: float | None = None, high: float | None = None) -> None:
        self._text = text
        self._counts: dict[int, int] | None = None
        self.size = size
        self.median = median
        self.high = high

    def add_to(self, total: dict[int, int], lowest: int) -> None:
        histogram.add_encoded(total, [self._text], lowest)

    def _read(self) -> dict[int, int]:
        if self._counts is None:
            self._counts = histogram.decode(self._text)
        return self._counts

    def __getitem__(self, number: int) -> int:
        return self._read()[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> ItemsView[int, int]:
        return self._read().items()  # four times as fast as what Mapping makes of the three above


def together(parts: Iterable[Counts]) -> Together:
    """Return several histograms as one."""
    known = [(part, *_known(part)) for part in parts]
    return Together(*(zip(*known, strict=True) if known else ((), (), (), ())))


def _known(part: Counts) -> tuple[int, float | None, float | None]:
    if isinstance(part, (Encoded, Together)):
        return part.size, part.median, part.high
    return sum(part.values()), histogram.percentile(part, 50), histogram.percentile(part, 95)


class Together(Mapping[int, int]):
    """Several histograms as one, read when somebody looks, and down to what is asked for. `size`, `median` and `high` as of Encoded.

    What is known of each part stands in columns: fifty thousand parts are no objects.
    """

    __slots__ = ("_counts", "_highs", "_lowest", "_medians", "_parts", "_sizes", "high", "median", "size")

    def __init__(self, parts: Sequence[Counts | bytes], sizes: Sequence[int], medians: Sequence[float | None], highs: Sequence[float | None]) -> None:
        """Take counts, or what `histogram.encode` wrote of them, with what is known of each."""
        self._parts, self._sizes, self._medians, self._highs = parts, sizes, medians, highs
        self._counts: dict[int, int] = {}
        self._lowest: int | None = None  # down to this bucket, all parts are in `_counts`
        self.size = sum(sizes)
        self.median = min((one or 0 for one, size in zip(medians, sizes, strict=True) if size), default=0)
        self.high = min((one or 0 for one, size in zip(highs, sizes, strict=True) if size), default=0)

    def percentile(self, percent: float) -> float | None:
        """Return the value that `percent` of all do not exceed (the nearest rank), or None when there is none."""
        if not self.size:
            return None
        wanted = self.size - max(1, math.ceil(self.size * percent / 100)) + 1  # of the highest values, the last
        counts = self._with(wanted)
        for number in sorted(counts, reverse=True):
            wanted -= counts[number]
            if wanted <= 0:
                return histogram.middle(number)
        return histogram.percentile(self._down_to(0), percent)  # a part has fewer values than it says

    def add_to(self, total: dict[int, int], lowest: int) -> None:
        """Add the counts from the bucket `lowest` on."""
        if self._lowest is not None and self._lowest <= lowest:
            _add(total, self._counts, lowest)
            return
        histogram.add_encoded(total, (part for part in self._parts if isinstance(part, bytes)), lowest)
        for part in self._parts:
            if isinstance(part, (Encoded, Together)):
                part.add_to(total, lowest)
            elif not isinstance(part, bytes):
                _add(total, part, lowest)

    def _with(self, wanted: int) -> dict[int, int]:
        """Return the counts of the highest buckets, so that they hold `wanted` values.

        What is known of the parts is less than there is: so it is tried first whether fewer will do.
        """
        likely = self._down_to(self._lowest_of(math.ceil(wanted * LIKELY)))
        return likely if sum(likely.values()) >= wanted else self._down_to(self._lowest_of(wanted))

    def _lowest_of(self, wanted: int) -> int:
        """Return a bucket, as high as is known, so that at least `wanted` values lie in it and above."""
        fews, halves = [size // 20 + 1 for size in self._sizes], [size // 2 - size // 20 for size in self._sizes]
        floors = [*zip(self._highs, fews, strict=True), *zip(self._medians, halves, strict=True)]
        for value, count in sorted(((value, count) for value, count in floors if value), reverse=True):
            wanted -= count
            if wanted <= 0:
                return histogram.bucket(int(value))
        return 0

    def _down_to(self, lowest: int) -> dict[int, int]:
        if self._lowest is None or lowest < self._lowest:
            total: dict[int, int] = {}
            self.add_to(total, lowest)
            self._counts, self._lowest = total, lowest
        return self._counts

    def __getitem__(self, number: int) -> int:
        return self._down_to(0)[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._down_to(0))

    def __len__(self) -> int:
        return len(self._down_to(0))

    def items(self) -> ItemsView[int, int]:
        return self._down_to(0).items()  # as of Encoded


def _add(total: dict[int, int], counts: Counts, lowest: int) -> None:
    for number, count in counts.items():
        if number >= lowest:
            total[number] = total.get(number, 0) + count
