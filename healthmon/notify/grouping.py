"""For how long does a message wait for others, and how often is it said again?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

MANY = 5  # outages that were told of in a short time: then it is worth more to hear of the others together
LONGER = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """For how long others are waited for, how often it is said that it spread, and how often it is said again."""

    wait: timedelta
    interval: timedelta
    repeat: timedelta


def first_wait(grouping: Grouping, announced: Iterable[datetime], now: datetime) -> timedelta:
    """Return how long a first word waits for others: after one that told of many 2 minutes instead of half a one, then 5.

    `announced` is when each outage that lasts was told first.
    """
    recent = [at for at in announced if now - at < grouping.interval]
    if len(recent) < MANY:
        return grouping.wait
    longer: float = LONGER ** len(set(recent))
    return max(grouping.wait, min(grouping.wait * longer, grouping.interval))
