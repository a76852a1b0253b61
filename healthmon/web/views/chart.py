"""How fast did a service answer over a longer time: its median, the band up to the 95th percentile, the 99th, and its outages?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.clock import to_people
from healthmon.web.views import wording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from healthmon.model.incident import Incident
    from healthmon.store.history import Point

WIDTH, HEIGHT = 1_000, 160
HEADROOM = 1.15
US = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One hour or day, for the chart's twin in words."""

    start: str
    at_s: int  # its middle, since 1970
    p50_ms: str  # for what draws it anew in the browser; empty where there was no answer
    p95_ms: str
    p99_ms: str
    checks: int
    p50: str
    p95: str
    p99: str
    uptime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`bands`, `middles` and `edges` are the points of polygons and polylines; stretches without an answer part them.

    `edges` are the 99th percentile, which may leave the chart above: a few slow answers do not make all others small.
    """

    bands: tuple[str, ...]
    middles: tuple[str, ...]
    edges: tuple[str, ...]
    outages: tuple[tuple[int, int], ...]  # x and width
    step_s: int
    expected_ms: str
    expected_y: int | None
    top: str
    columns: tuple[Column, ...]
    words: str


def chart(  # noqa: PLR0913  what is drawn, and its axes
    points: Sequence[Point], outages: Sequence[Incident], *, since: datetime, until: datetime, step: timedelta, expected_s: float | None
) -> Chart | None:
    """Return the chart; None where nothing was answered."""
    known = [_Drawn(point, since, until, step) for point in points]
    highest = max((one.p95_us for one in known if one.p95_us is not None), default=None)
    if highest is None:
        return None
    slowest = max(one.p99_us for one in known)
    top_us = HEADROOM * max(highest, min(slowest, 2 * highest), min(expected_s * US, 3 * highest) if expected_s is not None else 0)
    runs = _runs(known)
    is_inside = expected_s is not None and expected_s * US <= top_us
    return Chart(
        bands=tuple(_band(run, top_us) for run in runs),
        middles=tuple(" ".join(f"{one.x},{_y(one.p50_us, top_us)}" for one in run) for run in runs if len(run) > 1),
        edges=tuple(" ".join(f"{one.x},{_y(one.p99_us, top_us)}" for one in run) for run in runs if len(run) > 1),
        outages=tuple(_span(one, since, until) for one in outages),
        step_s=round(step.total_seconds()),
        expected_ms="" if expected_s is None else f"{1_000 * expected_s:g}",
        expected_y=_y((expected_s or 0) * US, top_us) if is_inside else None,
        top=wording.milliseconds(top_us / US),
        columns=tuple(_column(point, since, until, step) for point in points),
        words=f"Highest 95th percentile {wording.milliseconds(highest / US)}, 99th {wording.milliseconds(slowest / US)}",
    )


class _Drawn:
    """A point with its place: the middle of its stretch, as far as that lies inside."""

    __slots__ = ("p50_us", "p95_us", "p99_us", "x")

    def __init__(self, point: Point, since: datetime, until: datetime, step: timedelta) -> None:
        self.x = _x(_middle(point, since, until, step), since, until)
        self.p50_us = point.rollup.checks.percentile_us(50) or 0.0
        self.p95_us = point.rollup.checks.percentile_us(95)
        self.p99_us = point.rollup.checks.percentile_us(99) or 0.0


def _middle(point: Point, since: datetime, until: datetime, step: timedelta) -> datetime:
    begin, end = max(point.start, since), min(point.start + step, until)
    return begin + (end - begin) / 2


def _runs(known: Sequence[_Drawn]) -> list[list[_Drawn]]:
    runs: list[list[_Drawn]] = [[]]
    for one in known:
        if one.p95_us is None:
            runs.append([])
        else:
            runs[-1].append(one)
    return [run for run in runs if run]


def _band(run: Sequence[_Drawn], top_us: float) -> str:
    if len(run) == 1:  # a single stretch is drawn as a short bar
        one, width = run[0], 4
        upper, lower = _y(one.p95_us or 0, top_us), _y(one.p50_us, top_us)
        return f"{one.x - width},{upper} {one.x + width},{upper} {one.x + width},{lower} {one.x - width},{lower}"
    above = [f"{one.x},{_y(one.p95_us or 0, top_us)}" for one in run]
    below = [f"{one.x},{_y(one.p50_us, top_us)}" for one in reversed(run)]
    return " ".join([*above, *below])


def _span(incident: Incident, since: datetime, until: datetime) -> tuple[int, int]:
    left = _x(max(incident.started_at, since), since, until)
    right = _x(min(incident.resolved_at or until, until), since, until)
    return min(left, WIDTH - 2), max(2, right - left)


def _x(at: datetime, since: datetime, until: datetime) -> int:
    return round(WIDTH * ((at - since) / (until - since)))


def _y(us: float, top_us: float) -> int:
    return round(HEIGHT * (1 - us / top_us)) if top_us > 0 else HEIGHT


def _column(point: Point, since: datetime, until: datetime, step: timedelta) -> Column:
    checks = point.rollup.checks
    return Column(
        start=to_people(point.start),
        at_s=round(_middle(point, since, until, step).timestamp()),
        p50_ms=_ms(checks.percentile_us(50)),
        p95_ms=_ms(checks.percentile_us(95)),
        p99_ms=_ms(checks.percentile_us(99)),
        checks=checks.checks,
        p50=_time(checks.percentile_us(50)),
        p95=_time(checks.percentile_us(95)),
        p99=_time(checks.percentile_us(99)),
        uptime=_uptime(point),
    )


def _uptime(point: Point) -> str:
    """Return it; nothing of a stretch that is shorter than what time is booked by."""
    time = point.rollup.time
    if time.uptime_percentage is not None:
        return f"{time.uptime_percentage:.2f}%"
    return "unknown" if time.unknown_s or time.maintenance_s else ""


def _ms(us: float | None) -> str:
    return "" if us is None else f"{us / 1_000:.3f}"


def _time(us: float | None) -> str:
    return "" if us is None else wording.milliseconds(us / US)
