"""What in the database does the present rest on, and so is told anew when the host's clock was set?

History stays as it was written: its times are what the clock showed then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.clock_step import MIN_STEP_S
from healthmon.store import facts
from healthmon.store.row import sql_time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import apsw

    from healthmon.clock_step import ClockStep
    from healthmon.store.connection import Connection

LEDGER_WINDOW = timedelta(days=1)  # the longest budget

# An episode is known by the text of its start: all its incidents move together.
_EPISODES = """
    (service_id, episode_started_at) IN (
        SELECT service_id, episode_started_at FROM incidents
        WHERE incident_id IN (SELECT max(incident_id) FROM incidents GROUP BY service_id))
"""
_LEDGER = f"planned_at >= ? OR closed_at IS NULL OR incident_id IN (SELECT incident_id FROM incidents WHERE {_EPISODES})"  # noqa: S608  both parts stand here


@dataclass(frozen=True, slots=True, kw_only=True)
class _Present:
    """The rows of one table that speak of the present, and their columns of time. `ends` lie ahead, however far."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    ends: tuple[str, ...] = ()
    where: str = "TRUE"


_HEALS = _Present(table="heals", key=("heal_id",), columns=("planned_at", "issued_at", "returned_at", "closed_at"), where=_LEDGER)
_PRESENT = (
    _Present(
        table="service_states",
        key=("service_id",),
        columns=(
            "status_since",
            "last_checked_at",
            "last_healthy_at",
            "streak_started_at",
            "evidence_started_at",
            "evidence_last_at",
            "accounted_until",
        ),
    ),
    _Present(table="targets", key=("service_id",), columns=("observed_at", "started_at", "matched_since", "changed_at")),
    _Present(table="probe_requests", key=("service_id",), columns=("until",)),
    _Present(table="alert_log", key=("alert_id",), columns=("started_at", "triggered_at"), where="resolved_at IS NULL"),
    _Present(table="rule_states", key=("service_id", "rule"), columns=("since", "unknown_since")),
    _Present(
        table="conversations",
        key=("conversation_id",),
        columns=("opened_at", "started_at", "over_at", "released_at", "urgent_at", "announced_at", "notified_at", "acknowledged_at"),
        ends=("acknowledged_until",),
        where="closed_at IS NULL",
    ),
    _Present(table="channel_states", key=("channel",), columns=("last_sent_at", "failing_since", "reported_at")),
    _Present(table="maintenances", key=("maintenance_id",), columns=("starts_at",), ends=("ends_at",)),
    _Present(table="quarantines", key=("service_id",), columns=("since", "rearmed_at")),
    _Present(table="storms", key=("storm_id",), columns=("began_at", "calm_since"), where="ended_at IS NULL"),
    _Present(table="holds", key=("hold_id",), columns=("starts_at",), ends=("ends_at",)),
    _Present(table="silences", key=("silence_id",), columns=("starts_at",), ends=("ends_at",)),
    _Present(
        table="deliveries",
        key=("delivery_id",),
        columns=("next_attempt_at",),
        ends=("expires_at",),
        where="closed_at IS NULL",
    ),
    _Present(
        table="incidents",
        key=("incident_id",),
        columns=("started_at", "detected_at", "episode_started_at", "quarantined_at", "needs_person_at", "resolved_at"),
        where=_EPISODES,
    ),
)


def follow(connection: Connection, step: ClockStep) -> None:
    """Move what the present rests on into the new time; belongs into one transaction with what follows from it."""
    _move(connection, _HEALS, step, clock.to_sql(step.before - LEDGER_WINDOW))  # before the incidents that it is chosen by
    for present in _PRESENT:
        _move(connection, present, step)
    returned_at = facts.noted_time(connection, facts.ENGINE_RETURNED_AT)
    if returned_at is not None:
        facts.note_time(connection, facts.ENGINE_RETURNED_AT, step.moved(returned_at))
    facts.note_time(connection, facts.CLOCK_SET_AT, step.after)
    relived = facts.noted_time(connection, facts.RELIVED_UNTIL)
    facts.note_time(connection, facts.RELIVED_UNTIL, max(step.before, relived or step.before))


def keep_offset(connection: Connection, boot_id: str, offset_s: float) -> None:
    """Remember how far the wall clock is ahead of the boot's, by which all times in the database are told."""
    facts.note(connection, facts.CLOCK, f"{boot_id} {offset_s}")


def kept_offset_s(connection: Connection, boot_id: str) -> float | None:
    """Return what was remembered in this boot, or None."""
    boot, _, offset = (facts.noted(connection, facts.CLOCK) or "").partition(" ")
    return float(offset) if boot == boot_id else None


def is_followed(connection: Connection, boot_id: str, offset_s: float) -> bool:
    """Tell whether the database's times are of the clock as it is now: right after a step, nothing has moved them yet."""
    if facts.noted(connection, facts.CLOCK) is None:
        return True  # no evaluator has ever worked on this database
    kept_s = kept_offset_s(connection, boot_id)
    return kept_s is not None and abs(kept_s - offset_s) < MIN_STEP_S


def newest_moment(connection: Connection) -> datetime | None:
    """Return the latest moment at which we are known to have worked, or None."""
    found = connection.row("SELECT max(last_checked_at) FROM service_states")
    return None if found is None else time_or_none(found[0])


def _move(connection: Connection, present: _Present, step: ClockStep, *values: str) -> None:
    names = (*present.columns, *present.ends)
    asked = ", ".join((*names, *present.key))
    rows = connection.rows(f"SELECT {asked} FROM {present.table} WHERE {present.where}", *values)  # noqa: S608  names of ours
    moves = (step.moved,) * len(present.columns) + (step.moved_end,) * len(present.ends)
    moved = [(*map(_moved, moves, row), *row[len(names) :]) for row in rows]
    places = ", ".join(f"{name} = ?" for name in names)
    found = " AND ".join(f"{name} = ?" for name in present.key)
    connection.change_many(f"UPDATE {present.table} SET {places} WHERE {found}", moved)  # noqa: S608  names of ours


def _moved(move: Callable[[datetime], datetime], value: apsw.SQLiteValue) -> str | None:
    at = time_or_none(value)
    return None if at is None else sql_time(move(at))
