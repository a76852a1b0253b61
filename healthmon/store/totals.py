"""How often did something end how, since the database was made? Counted by triggers of the schema: what is deleted stays counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.store.row import integer, text

if TYPE_CHECKING:
    from healthmon.store.connection import Connection


def incidents(connection: Connection) -> dict[int, int]:
    """Return how many incidents each service had."""
    return {int(subject): number for subject, _, number in _of(connection, "incident")}


def heals(connection: Connection) -> dict[tuple[int, str], int]:
    """Return how many heals of each service ended how."""
    return {(int(subject), outcome): number for subject, outcome, number in _of(connection, "heal")}


def deliveries(connection: Connection) -> dict[tuple[str, str], int]:
    """Return how many messages of each channel were sent, and parked."""
    return {(subject, outcome): number for subject, outcome, number in _of(connection, "delivery")}


def _of(connection: Connection, event: str) -> list[tuple[str, str, int]]:
    rows = connection.rows("SELECT subject, outcome, number FROM totals WHERE event = ?", event)
    return [(text(row[0]), text(row[1]), integer(row[2])) for row in rows]
