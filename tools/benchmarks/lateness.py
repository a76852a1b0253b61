"""How late did looks arrive, and does their rhythm drift? From nothing but when each arrived at the target."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """In seconds. `drift_s_per_minute` is by how much a service's rhythm falls behind the clock."""

    p50_s: float
    p99_s: float
    max_s: float
    drift_s_per_minute: float
    looks: int


def lateness(arrivals: Mapping[str, Sequence[float]], interval_s: float) -> Lateness | None:
    """Return how late looks came, each measured from the rhythm that its service's earliest looks keep; None without any."""
    late: list[float] = []
    drifts: list[float] = []
    for times in arrivals.values():
        offsets = _offsets(sorted(times), interval_s)
        if len(offsets) > 1:
            late += [offset - min(offsets) for offset in offsets]
            drifts.append(60 * (offsets[-1] - offsets[0]) / (interval_s * (len(offsets) - 1)))
    if not late:
        return None
    late.sort()
    return Lateness(
        p50_s=_share(late, 0.5), p99_s=_share(late, 0.99), max_s=late[-1], drift_s_per_minute=statistics.median(drifts), looks=len(late)
    )


def _offsets(times: Sequence[float], interval_s: float) -> list[float]:
    """Return by how much each look is off a rhythm that begins with the first."""
    return [time - times[0] - interval_s * round((time - times[0]) / interval_s) for time in times]


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def count(arrivals: Mapping[str, Iterable[float]], since: float, until: float) -> int:
    """Return how many looks arrived within a time."""
    return sum(since <= time < until for times in arrivals.values() for time in times)
