"""How does each channel fare?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.delivery import ChannelState
from healthmon.store.row import integer_or_none, text, text_or_none, time_or_none

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


def load(connection: Connection) -> dict[str, ChannelState]:
    """Return what is known of each channel, by its name; one that never had anything to send is not there."""
    rows = connection.rows("SELECT channel, last_sent_at, failing_since, last_error, reported_at, unreported_id, unreported_why, target FROM channel_states")
    return {
        text(row[0]): ChannelState(
            channel=text(row[0]),
            last_sent_at=time_or_none(row[1]),
            failing_since=time_or_none(row[2]),
            last_error=text_or_none(row[3]),
            reported_at=time_or_none(row[4]),
            unreported_id=integer_or_none(row[5]),
            unreported_why=text_or_none(row[6]),
            target=text(row[7]),
        )
        for row in rows
    }


def works(connection: Connection, channel: str, *, now: datetime) -> None:
    """Write down that something got through."""
    connection.change(
        """
        INSERT INTO channel_states (channel, last_sent_at) VALUES (?1, ?2)
        ON CONFLICT (channel) DO UPDATE
        SET last_sent_at = ?2, failing_since = NULL, last_error = NULL, reported_at = NULL
        """,
        channel,
        clock.to_sql(now),
    )


def fails(connection: Connection, channel: str, *, error: str, now: datetime) -> None:
    """Write down that something did not get through; the first time since it last worked counts."""
    connection.change(
        """
        INSERT INTO channel_states (channel, failing_since, last_error) VALUES (?1, ?2, ?3)
        ON CONFLICT (channel) DO UPDATE SET failing_since = coalesce(failing_since, ?2), last_error = ?3
        """,
        channel,
        clock.to_sql(now),
        error,
    )


def reported(connection: Connection, channel: str, *, now: datetime) -> None:
    """Write down that somebody has been told, on another channel, that this one does not deliver."""
    connection.change("UPDATE channel_states SET reported_at = ?, unreported_id = NULL, unreported_why = NULL WHERE channel = ?", clock.to_sql(now), channel)


def unreported(connection: Connection, channel: str, notification_id: int, *, why: str) -> None:
    """Write down what a channel has given up: the first since it last worked, until somebody is told."""
    connection.change(
        """
        INSERT INTO channel_states (channel, unreported_id, unreported_why) VALUES (?1, ?2, ?3)
        ON CONFLICT (channel) DO UPDATE SET unreported_id = ?2, unreported_why = ?3 WHERE unreported_id IS NULL AND reported_at IS NULL
        """,
        channel,
        notification_id,
        why,
    )
