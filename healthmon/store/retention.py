"""How is what is old deleted: in small pieces, oldest first, and nothing that something else still needs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store import facts, stale_rollups
from healthmon.store.row import integer, text, time_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One table whose old rows are deleted by the time in `column`, where `over` holds. What belongs to them goes with them."""

    table: str
    column: str
    over: str = "TRUE"


_NO_OPEN_HEAL = "NOT EXISTS (SELECT 1 FROM heals AS h WHERE h.incident_id = incidents.incident_id AND h.closed_at IS NULL)"
_NO_DELIVERY = "NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.notification_id = notifications.notification_id)"

# The name of each kind, as settings and commands have it; several tables may be of one.
KINDS: Mapping[str, tuple[Kind, ...]] = {
    "checks": (Kind(table="checks", column="timestamp"),),
    "hours": (Kind(table="service_hours", column="hour"), Kind(table="database_sizes", column="day")),
    "alerts": (Kind(table="alert_log", column="triggered_at", over="resolved_at IS NOT NULL"),),
    "forensics": (Kind(table="forensics", column="taken_at"),),
    "incidents": (
        Kind(table="incidents", column="started_at", over=f"resolved_at IS NOT NULL AND {_NO_OPEN_HEAL}"),
        Kind(table="heals", column="planned_at", over="closed_at IS NOT NULL AND incident_id IS NULL"),
        Kind(table="storms", column="began_at", over="ended_at IS NOT NULL"),
    ),
    "conversations": (Kind(table="conversations", column="closed_at", over="closed_at IS NOT NULL"),),
    "deliveries": (Kind(table="deliveries", column="closed_at", over="closed_at IS NOT NULL"),),
    "notifications": (Kind(table="notifications", column="created_at", over=_NO_DELIVERY),),
    "operator_actions": (
        Kind(table="operator_actions", column="made_at", over="applied_at IS NOT NULL"),
        Kind(table="silences", column="ends_at"),
        Kind(table="maintenances", column="ends_at"),
        Kind(table="holds", column="ends_at"),
    ),
    "process_samples": (Kind(table="process_samples", column="timestamp"),),
}


def oldest(connection: Connection, kind: Kind) -> datetime | None:
    """Return the time of the oldest row that may go; None when there is none."""
    found = connection.row(f"SELECT min({kind.column}) FROM {kind.table} WHERE {kind.over}")  # noqa: S608  our names
    return None if found is None else time_or_none(found[0])


def reached(connection: Connection, kind: Kind, due: datetime) -> datetime:
    """Return until when rows were deleted the last time; the first time, where they begin, if that is before `due`."""
    noted = facts.noted_time(connection, _fact(kind))
    if noted is not None:
        return noted
    first = oldest(connection, kind)
    return due if first is None else min(due, first)


def note_reached(connection: Connection, kind: Kind, at: datetime) -> None:
    """Remember until when rows are deleted."""
    with connection.transaction(durable=False):
        facts.note_time(connection, _fact(kind), at)


def _fact(kind: Kind) -> str:
    return f"pruned_until {kind.table}"


def oldest_needed(connection: Connection) -> datetime | None:
    """Return the time of the oldest check that the evaluator or the keeper has not taken in yet; None when there is none."""
    found = [
        connection.row("SELECT min(timestamp) FROM inbox"),
        connection.row("SELECT min(start) FROM stale_rollups WHERE span = 'hour'"),
    ]
    moments = [time_or_none(row[0]) for row in found if row is not None]
    known = [*moments, stale_rollups.counted_until(connection) or oldest(connection, KINDS["checks"][0])]
    return min((at for at in known if at is not None), default=None)


def delete(connection: Connection, kind: Kind, *, before: datetime, limit: int) -> int:
    """Delete about `limit` of the oldest rows from before `before`, in one transaction. Return how many went."""
    edge = _edge(connection, kind, before, limit)
    if edge is None:
        return 0
    with connection.transaction(durable=False):
        return connection.change(f"DELETE FROM {kind.table} WHERE {kind.column} < ? AND {kind.over}", edge)  # noqa: S608  our names


def count_older(connection: Connection, kind: Kind, *, before: datetime) -> int:
    """Return how many rows `delete` would delete in the end."""
    found = connection.row(
        f"SELECT count(*) FROM {kind.table} WHERE {kind.column} < ? AND {kind.over}",  # noqa: S608  our names
        clock.to_sql(before),
    )
    return 0 if found is None else integer(found[0])


def _edge(connection: Connection, kind: Kind, before: datetime, limit: int) -> str | None:
    """Return the time before which about `limit` rows lie: `before` itself when there are fewer, None when there is none."""
    until = clock.to_sql(before)
    rows = connection.rows(
        f"SELECT {kind.column} FROM {kind.table} WHERE {kind.column} < ? AND {kind.over} ORDER BY {kind.column} LIMIT ?",  # noqa: S608  our names
        until,
        limit + 1,
    )
    if len(rows) <= limit:
        return until if rows else None
    last = text(rows[-1][0])
    return last if last > text(rows[0][0]) else last + "~"  # more than `limit` of one moment: all of it
