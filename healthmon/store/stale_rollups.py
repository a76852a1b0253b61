"""Which hours and days are to be counted anew, and until when is everything counted?

Who changes what an hour is made of marks it in that transaction. Who counts it reads the mark first, and takes it away only
if it is still the same: what is committed meanwhile is counted the next time, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.status.uptime import HOUR, hour_of
from healthmon.store import facts
from healthmon.store.row import integer, time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.store.connection import Connection

COUNTED_UNTIL = "counted_until"  # checks before it are in service_hours, later ones only in checks
DAYS_UNTIL = "days_until"  # days before it are in service_days


class RollupSpan(StrEnum):
    """What a rollup is of."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """An hour or a day that is to be counted anew."""

    start: datetime
    generation: int


def mark_hours(connection: Connection, hours: Iterable[datetime]) -> None:
    """Have hours counted anew; belongs into the transaction that holds what changed in them."""
    mark(connection, RollupSpan.HOUR, hours)


def load(connection: Connection, span: RollupSpan, *, until: datetime) -> list[Stale]:
    """Return what is to be counted anew and begins before `until`, oldest first."""
    rows = connection.rows(
        "SELECT start, generation FROM stale_rollups WHERE span = ? AND start < ? ORDER BY start",
        span.value,
        clock.to_sql(until),
    )
    return [Stale(start=time(row[0]), generation=integer(row[1])) for row in rows]


def mark(connection: Connection, span: RollupSpan, starts: Iterable[datetime]) -> None:
    """Have hours or days made anew; belongs into the transaction that holds what changed in them."""
    connection.change_many(
        "INSERT INTO stale_rollups (span, start) VALUES (?, ?) ON CONFLICT DO UPDATE SET generation = generation + 1",
        [(span.value, clock.to_sql(start)) for start in starts],
    )


def unmark(connection: Connection, span: RollupSpan, known: Stale) -> None:
    """Take a mark away, unless something has changed since it was read."""
    connection.change(
        "DELETE FROM stale_rollups WHERE span = ? AND start = ? AND generation = ?",
        span.value,
        clock.to_sql(known.start),
        known.generation,
    )


def uncounted_hours(connection: Connection, now: datetime) -> list[datetime]:
    """Return the hours up to the present one that hold checks since all was counted last, oldest first."""
    known = counted_until(connection)
    hours, since = [], "" if known is None else clock.to_sql(hour_of(known))
    while (found := connection.row("SELECT min(timestamp) FROM checks WHERE timestamp >= ?", since)) and found[0] is not None:
        hour = hour_of(time(found[0]))
        if hour > now:
            break
        hours.append(hour)
        since = clock.to_sql(hour + HOUR)
    return hours


def counted_until(connection: Connection) -> datetime | None:
    """Return until when checks are counted; None when nothing is."""
    return facts.noted_time(connection, COUNTED_UNTIL)


def note_days_until(connection: Connection, day: datetime) -> None:
    """Remember that all days before `day` are added up."""
    if facts.noted_time(connection, DAYS_UNTIL) != day:
        with connection.transaction(durable=False):
            facts.note_time(connection, DAYS_UNTIL, day)
