"""How fast did a service answer, hour by hour, as a line beside what is expected of it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.store.history import Point
    from healthmon.web.views.axis import Axis

WIDTH, HEIGHT = 96, 24
MARGIN = 2  # a line on the edge would be cut in half
PERCENT = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """Each of `lines` is the points of one polyline: hours without an answer part them. `expected_y` is None where nothing is
    expected, or it lies beyond the top.
    """

    lines: tuple[str, ...]
    expected_y: float | None


def sparkline(axis: Axis, points: Iterable[Point], *, expected_s: float | None) -> Sparkline | None:
    """Return the line of each hour's 95th percentile; None where no hour has one."""
    values = [(point.start, point.rollup.checks.percentile_us(PERCENT)) for point in points]
    top = max((value for _, value in values if value is not None), default=None)
    if top is None:
        return None
    top *= 1.1
    lines: list[list[str]] = [[]]
    for start, value in values:
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{WIDTH * max(0.0, axis.share(start)):.1f},{_y(value, top):.1f}")
    expected_us = None if expected_s is None else expected_s * 1e6
    return Sparkline(
        lines=tuple(" ".join(_drawn(line)) for line in lines if line),
        expected_y=round(_y(expected_us, top), 1) if expected_us is not None and expected_us <= top else None,
    )


def _y(value: float, top: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value / top if top > 0 else HEIGHT - MARGIN


def _drawn(line: list[str]) -> list[str]:
    """Return a line that is seen: a single point is none."""
    if len(line) > 1:
        return line
    x, y = line[0].split(",")
    return [line[0], f"{float(x) + 2:.1f},{y}"]
