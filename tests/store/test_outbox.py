"""The outbox: what is put in comes out as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.store import outbox
from healthmon.store.opening import create_or_open
from tests.builders import NOW, a_notification

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    yield opened
    opened.close()


def test_a_message_comes_back_as_it_was(database: Connection) -> None:
    message = a_notification(resolved_at=NOW + timedelta(milliseconds=1_500))
    with database.transaction(durable=True):
        notification_id = outbox.enqueue(database, message, ["email", "slack"], lifetime=timedelta(hours=24))
    found = outbox.notification(database, notification_id)
    assert (found.affected, found.kind, found.created_at) == (message.affected, message.kind, message.created_at)
    assert database.rows("SELECT channel, state, attempts FROM deliveries") == [("email", "queued", 0), ("slack", "queued", 0)]
