"""Does a service change between good and bad so often that none of its looks can be trusted?

As Icinga 2 tells it: of the last 20 looks, whatever their confirmation, each that differs from the one before counts by
its age, the newest most. More than 30 percent begin it, no more than 25 end it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WINDOW = 20
LOOKS = WINDOW + 1  # that many looks fill the window
STARTS_ABOVE = 30.0
STOPS_AT = 25.0
WEIGHTS = tuple(0.8 + 0.02 * age for age in range(WINDOW))  # oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """What is remembered of one service. `changed` says of each look, oldest first, whether it was another than before."""

    last: bool | None = None
    changed: tuple[bool, ...] = (False,) * WINDOW
    is_flapping: bool = False

    @property
    def percent(self) -> float:
        return 100 * sum(weight for weight, changed in zip(WEIGHTS, self.changed, strict=True) if changed) / WINDOW

    @property
    def changes(self) -> int:
        return sum(self.changed)


STEADY = Flapping()


def look(before: Flapping, *, healthy: bool) -> Flapping:
    """Return what is remembered after one more look that found something out."""
    changed = before.last is not None and before.last != healthy
    after = Flapping(last=healthy, changed=(*before.changed[1:], changed))
    limit = STOPS_AT if before.is_flapping else STARTS_ABOVE
    return Flapping(last=healthy, changed=after.changed, is_flapping=round(after.percent, 6) > limit)


def replay(looks: Iterable[bool]) -> Flapping:
    """Return what is remembered after these looks, oldest first."""
    state = STEADY
    for healthy in looks:
        state = look(state, healthy=healthy)
    return state
