"""Is what was measured within its limits?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.model.check import CheckReason, Outcome
from healthmon.model.performance import Performance, quantity
from healthmon.probes.classify import outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    Limited = tuple[Performance, float | None]


def measured(label: str, value: float, unit: str, limit: float | None) -> Limited:
    return Performance(label=label, value=value, unit=unit, critical="" if limit is None else f"{limit:g}"), limit


def judged(found: Sequence[Limited], *, took_s: float) -> Outcome:
    """Return what comes of it: ill when one value is above its limit, with all that are."""
    above = [f"{one} > {quantity(limit, one.unit)}" for one, limit in found if limit is not None and one.value > limit]
    performance = tuple(one for one, _ in found)
    if above:
        return replace(outcome(CheckReason.LIMIT, ", ".join(above), response_time_s=took_s), performance=performance)
    return Outcome(reason=CheckReason.OK, response_time_s=took_s, performance=performance)
