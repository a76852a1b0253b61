"""What is old enough to be deleted, and how fast may that be?

The wall clock can be wrong by years, and what is deleted is gone. So history is deleted at most twice as fast as time goes
by, on a clock that nobody can set: a wall clock that is ahead for an hour costs two hours of the oldest history, which was
to go next anyway. What is overdue by more than that (a shorter retention, a copy from elsewhere) goes as slowly; a person
who does not want to wait says `healthmon db prune`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

CATCH_UP = 2.0
LONGEST_PAUSE_S = 86_400.0  # of a host that was suspended: more is not made up for at once


def cutoff(reached: datetime, *, now: datetime, kept: timedelta, lived_s: float) -> datetime:
    """Return until when rows may be deleted, given how far that was the last time, and the seconds lived since."""
    paced = reached + timedelta(seconds=CATCH_UP * min(lived_s, LONGEST_PAUSE_S))
    return min(paced, due(now, kept))


def due(now: datetime, kept: timedelta) -> datetime:
    """Return until when rows are older than they are kept."""
    try:
        return now - kept
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)
