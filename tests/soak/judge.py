"""Does a process grow, or do its figures only rise and fall? A pure function of what was measured, and its words.

A leak grows in step with the work; memory that is filled once (caches, arenas) does not. So the time after the warm-up is
cut into blocks, each is one number, its median, and what counts is the line through these numbers, against how far they
lie from it. A leak goes on: who has grown in one half of the time alone has done something once, such as a backup.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = 12
FLOOR_KIB = 256.0  # less is some pages, which the allocator takes when it likes
ON_AND_ON = 0.25  # of all the growth, in each half at least
SPREADS = 3.0  # a line that rises by more than so many times the usual distance from it is no accident


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What became of one process in the time that counts."""

    program: str
    kib: float  # from the first block to the last, along the line
    spread_kib: float  # the usual distance of a block from the line
    halves_kib: tuple[float, float]  # of it, along lines of their own
    minutes: float
    floor_kib: float
    blocks_kib: tuple[float, ...]

    @property
    def is_leak(self) -> bool:
        return self.kib > max(self.floor_kib, SPREADS * self.spread_kib) and min(self.halves_kib) > ON_AND_ON * self.kib

    def __str__(self) -> str:
        verdict = "grows" if self.is_leak else "is level"
        noise = SPREADS * self.spread_kib / self.minutes
        sizes = " ".join(f"{size / 1024:.1f}" for size in self.blocks_kib)
        return f"{self.program} {verdict}: {self.kib / self.minutes:+.0f} KiB a minute, noise ±{noise:.0f} (MiB {sizes})"


def growth(program: str, points: Sequence[tuple[float, int]], *, warm_up_s: float, floor_kib: float = FLOOR_KIB) -> Growth:
    """Judge `points`: when, in seconds since the start, and how many bytes. Less than `floor_kib` is not looked at."""
    counted = [(at, size / 1024) for at, size in points if at >= warm_up_s]
    if len(counted) < 2 * BLOCKS:
        raise AssertionError(f"{program} was measured {len(counted)} times after the warm-up: too few to tell")
    medians = [_middle(block) for block in _blocks(counted)]
    slope, spread = _line(medians)
    took_s = medians[-1][0] - medians[0][0]
    first, second = (_line(half)[0] * took_s / 2 for half in (medians[: BLOCKS // 2], medians[BLOCKS // 2 :]))
    return Growth(
        program=program,
        kib=slope * took_s,
        spread_kib=spread,
        halves_kib=(first, second),
        minutes=took_s / 60,
        floor_kib=floor_kib,
        blocks_kib=tuple(size for _, size in medians),
    )


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return how steep the line through points is (Theil and Sen's, which outliers do not bend), and how far they lie from it."""
    slope = statistics.median((later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in combinations(points, 2))
    at_zero = statistics.median(size - slope * at for at, size in points)
    return slope, statistics.median(abs(size - at_zero - slope * at) for at, size in points)


def _blocks(points: Sequence[tuple[float, float]]) -> list[Sequence[tuple[float, float]]]:
    edges = [round(number * len(points) / BLOCKS) for number in range(BLOCKS + 1)]
    return [points[edge:following] for edge, following in pairwise(edges)]


def _middle(block: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(at for at, _ in block), statistics.median(size for _, size in block)
