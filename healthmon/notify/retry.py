"""When is a delivery tried again, and when is everybody out of reach?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.model.delivery import ChannelState

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=5)
MAX_DOUBLINGS = 10
JITTER = 0.2  # either way
LIFETIME = timedelta(hours=24)  # after that, a message is given up
OUT_OF_REACH_AFTER = timedelta(minutes=5)


def pause(attempts: int, *, spread: float, asked_s: float | None = None) -> timedelta:
    """Return how long to wait after so many attempts: 5 s, doubling to 5 min; never less than the receiver asked for.

    `spread`, from 0 to 1, is drawn by the caller: senders that failed together must not come back together.
    """
    doublings: int = min(max(attempts, 1) - 1, MAX_DOUBLINGS)
    doubled = min(FIRST * (1 << doublings), LONGEST)
    jittered = doubled * (1 - JITTER + 2 * JITTER * spread)
    return jittered if asked_s is None else max(timedelta(seconds=asked_s), jittered)


def nobody_reached(channels: Iterable[str], states: Mapping[str, ChannelState], *, now: datetime) -> str:
    """Say that every channel has failed for some time, and how; an empty text when one has not."""
    names = list(channels)
    failing = [states[name] for name in names if name in states and states[name].failing_since is not None]
    if not names or len(failing) < len(names):
        return ""
    latest = max(state.failing_since for state in failing if state.failing_since is not None)
    if now - latest < OUT_OF_REACH_AFTER:
        return ""
    return "; ".join(f"{state.channel}: {state.last_error or 'no answer'}" for state in failing)
