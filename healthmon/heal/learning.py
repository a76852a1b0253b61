"""What do past restarts, and outages that were left alone, teach about the next restart?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.model.heal import Heal, HealState

if TYPE_CHECKING:
    from collections.abc import Sequence

INEFFECTIVE = 3  # restarts in a row after which no more are made for the same failure
REMEMBERED = timedelta(days=30)
SOON = timedelta(seconds=60)
MIN_OUTAGES = 3  # fewer teach nothing


def in_vain(same_failure: Sequence[Heal]) -> int:
    """Return how many restarts, the last ones made for one failure, did not help. Oldest first, none that a person wanted."""
    count = 0
    for heal in reversed(same_failure):
        if heal.state is HealState.VERIFIED:
            break
        count += heal.state is HealState.FAILED and heal.returned_at is not None
    return count


def need(heal: Heal, *, began_at: datetime, ended_at: datetime, left_alone: Sequence[timedelta]) -> bool | None:
    """Tell whether a restart of an outage that is over was needless; None: nobody knows, or it did not end it.

    A dry run shows it: nothing was done. Of what was restarted in earnest, only earlier outages can tell.
    """
    made_at = heal.issued_at or heal.planned_at
    if heal.state is HealState.WOULD_RESTART:
        return ended_at - made_at <= SOON
    return was_needless(made_at - began_at, left_alone) if heal.state is HealState.VERIFIED else None


def was_needless(lasted: timedelta, left_alone: Sequence[timedelta]) -> bool | None:
    """Tell whether an outage that had `lasted` so long when it was restarted would have ended soon by itself. None: nobody knows.

    `left_alone` is how long earlier outages of the same kind took that nobody of ours ended. Of those that had lasted as
    long, most have to have been over within a minute.
    """
    as_long = [one for one in left_alone if one >= lasted]
    if len(as_long) < MIN_OUTAGES:
        return None
    soon = sum(one <= lasted + SOON for one in as_long)
    return 2 * soon >= len(as_long)
