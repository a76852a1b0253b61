"""What was told can be deleted when it is old, in any order, and nothing that is still to be said goes with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.alert import Alert, AlertSeverity
from healthmon.store import alerts, channel_states, conversations, outbox, services
from healthmon.store.opening import create_or_open
from tests.builders import NOW, a_notification, ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection

DAY = timedelta(hours=24)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "core", True), ("frontend", "web", False)], now=NOW)
    yield opened
    opened.close()


def test_a_message_takes_its_deliveries_along_and_what_is_known_of_a_channel_stays(database: Connection) -> None:
    number = outbox.enqueue(database, a_notification(), ["email", "slack"], lifetime=DAY)
    channel_states.unreported(database, "email", number, why="550")
    database.change("DELETE FROM notifications WHERE notification_id = ?", number)
    assert database.rows("SELECT count(*) FROM deliveries") == [(0,)]
    state = channel_states.load(database)["email"]
    assert (state.unreported_id, state.channel) == (None, "email")


def test_an_alert_can_go_before_its_conversation_and_takes_what_was_still_to_be_told_of_it_along(database: Connection) -> None:
    event = Alert(service_id=1, alert_type="slow", severity=AlertSeverity.INFO, message="m", triggered_at=ago(9), resolved_at=ago(9))
    number = alerts.add(database, event)
    alerts.hold_back(database, number)
    begun = conversations.begin(database, 1, severity=AlertSeverity.CRITICAL, alert_types=("down",), alert_id=number, started_at=ago(9), now=ago(9))
    assert [one.alert_id for one in alerts.untold_events(database)] == [number]
    database.change("DELETE FROM alerts WHERE triggered_at < datetime('2027-01-01')")
    assert alerts.untold_events(database) == []
    assert alerts.by_id(database, number) is None
    assert conversations.open_conversations(database) == [begun]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM alert_log WHERE resolved_at IS NULL ORDER BY alert_id", "alerts_by_end"),
        ("SELECT * FROM conversations WHERE closed_at IS NULL ORDER BY conversation_id", "conversations_by_end"),
        ("SELECT service_id, closed_at FROM conversations WHERE closed_at >= 'x' AND is_outage", "conversations_by_end"),
        ("SELECT 1 FROM conversations WHERE service_id = 1 AND acknowledged_at IS NOT NULL AND opened_at <= 'x'", "conversations_acknowledged"),
    ],
)
def test_what_is_asked_at_every_start_and_in_every_review_reads_no_history(database: Connection, query: str, index: str) -> None:
    plan = str(database.rows(f"EXPLAIN QUERY PLAN {query}"))
    assert index in plan
    assert "SCAN" not in plan
