"""How long is a container left alone after a start, and when is one that is new believed to be able to run at all?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.heal.settings import HealSettings
    from healthmon.model.target import Target, TargetChange

MIN_SAMPLES = 5
MARGIN = 1.5
LEARNED_MAX_S = 600.0  # one start that took an hour must not keep everybody waiting for ever
SAME_TIME = timedelta(minutes=1)  # a container that is another since its start is seen a moment after it
CRASH_LOOP_STARTS = 3  # not by us
CRASH_LOOP_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Since when a service has another container, image or configuration; `change` is None for a container that is only another."""

    since: datetime
    change: TargetChange | None


def renewal(change: TargetChange | None, changed_at: datetime | None, matched_since: datetime | None) -> Renewal | None:
    """Return the last time that a service became something else, as far as it was seen."""
    if changed_at is not None and (matched_since is None or changed_at >= matched_since - SAME_TIME):
        return Renewal(since=changed_at, change=change)
    return None if matched_since is None else Renewal(since=matched_since, change=None)


def learned_grace_s(seconds_to_answer: Sequence[float]) -> float:
    """Return what earlier starts of the same image teach: the 95th percentile with a margin. 0 while they are too few."""
    if len(seconds_to_answer) < MIN_SAMPLES:
        return 0.0
    ordered = sorted(seconds_to_answer)
    slow = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return min(LEARNED_MAX_S, MARGIN * slow)


def grace(settings: HealSettings, target: Target | None, learned_s: float) -> timedelta:
    """Return how long after its start a container is left alone. A configured 0 is none at all."""
    if not settings.start_grace_seconds:
        return timedelta(0)
    own_s = 0.0 if target is None else target.health_grace_s
    return timedelta(seconds=max(settings.start_grace_seconds, own_s, learned_s))
