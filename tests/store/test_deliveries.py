"""The outbox's rows move along their arrows, and no other way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.delivery import ChannelState, DeliveryState
from healthmon.model.notification import NotificationKind
from healthmon.store import channel_states, deliveries, outbox
from healthmon.store.opening import create_or_open
from tests.builders import NOW, a_notification, ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.model.delivery import Delivery
    from healthmon.store.connection import Connection

DAY = timedelta(hours=24)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    yield opened
    opened.close()


def enqueue(database: Connection, *channels: str, at: object = NOW) -> int:
    return outbox.enqueue(database, replace(a_notification(), created_at=at), channels or ["email"], lifetime=DAY)  # type: ignore[arg-type]


def only(database: Connection, channel: str = "email") -> Delivery:
    [delivery] = deliveries.of_channel(database, channel, limit=9)
    return delivery


def test_the_queue_is_in_order_and_of_one_channel(database: Connection) -> None:
    first, second = enqueue(database, "email", "slack"), enqueue(database)
    assert [one.delivery.notification_id for one in deliveries.queued(database, "email")] == [first, second]
    assert [one.notification.notification_id for one in deliveries.queued(database, "slack")] == [first]
    assert deliveries.channels_that_wait(database) == {"email", "slack"}
    assert (deliveries.waits(database, "slack"), deliveries.waits(database, "webhook")) == (True, False)


def test_an_attempt_is_unknown_until_its_end_was_seen(database: Connection) -> None:
    enqueue(database)
    number = only(database).delivery_id
    deliveries.begin(database, number, next_attempt_at=NOW)
    assert (only(database).attempts, only(database).may_have_arrived) == (1, True)
    deliveries.failed(database, number, error="503", next_attempt_at=NOW)
    assert (only(database).attempts, only(database).may_have_arrived, only(database).last_error) == (1, False, "503")
    deliveries.begin(database, number, next_attempt_at=NOW)
    deliveries.unanswered(database, number, error="no answer", next_attempt_at=NOW)
    deliveries.begin(database, number, next_attempt_at=NOW)
    deliveries.failed(database, number, error="503", next_attempt_at=NOW)
    assert (only(database).attempts, only(database).unknown_attempts) == (3, 1)


def test_what_is_closed_stays_as_it_is(database: Connection) -> None:
    enqueue(database)
    number = only(database).delivery_id
    deliveries.begin(database, number, next_attempt_at=NOW)
    assert deliveries.sent(database, number, proof="200 OK", now=NOW)
    assert not deliveries.park(database, number, error="too late", now=NOW)
    assert not deliveries.begin(database, number, next_attempt_at=NOW)
    found = only(database)
    assert (found.state, found.proof, found.closed_at, found.unknown_attempts) == (DeliveryState.SENT, "200 OK", NOW, 0)
    assert deliveries.queued(database, "email") == []


def test_what_is_combined_takes_the_place_attempts_and_doubts_of_its_members(database: Connection) -> None:
    enqueue(database, at=ago(600))
    enqueue(database, at=ago(300))
    members = [one.delivery for one in deliveries.queued(database, "email")]
    deliveries.begin(database, members[0].delivery_id, next_attempt_at=NOW)
    members = [one.delivery for one in deliveries.queued(database, "email")]
    together = replace(a_notification(NotificationKind.RESOLVED), created_at=ago(600))
    deliveries.combine(database, members, [together], now=NOW)
    [waiting] = deliveries.queued(database, "email")
    assert (waiting.delivery.attempts, waiting.delivery.unknown_attempts, waiting.delivery.next_attempt_at) == (1, 1, NOW)
    assert waiting.delivery.expires_at == ago(300) + DAY
    assert waiting.notification.kind is NotificationKind.RESOLVED
    states = [one.state for one in deliveries.of_channel(database, "email", limit=9)]
    assert states == [DeliveryState.QUEUED, DeliveryState.SUPERSEDED, DeliveryState.SUPERSEDED]


def test_the_last_sendings_within_a_time(database: Connection) -> None:
    for seconds in (900, 500, 300, 100, -50):
        enqueue(database)
        number = deliveries.queued(database, "email")[0].delivery.delivery_id
        deliveries.begin(database, number, next_attempt_at=NOW)
        deliveries.sent(database, number, proof="", now=ago(seconds))
    found = deliveries.sent_between(database, "email", ago(600), NOW, limit=2)
    assert found == [ago(300), ago(100)]


def test_a_channel_is_failing_since_its_first_failure_and_until_something_gets_through(database: Connection) -> None:
    channel_states.fails(database, "email", error="451", now=ago(60))
    channel_states.fails(database, "email", error="550", now=ago(30))
    channel_states.reported(database, "email", now=ago(30))
    expected = ChannelState(channel="email", failing_since=ago(60), last_error="550", reported_at=ago(30))
    assert channel_states.load(database) == {"email": expected}
    channel_states.works(database, "email", now=NOW)
    assert channel_states.load(database) == {"email": ChannelState(channel="email", last_sent_at=NOW)}


def test_a_failure_does_not_make_forget_when_it_last_worked(database: Connection) -> None:
    channel_states.works(database, "email", now=ago(60))
    channel_states.fails(database, "email", error="451", now=NOW)
    assert channel_states.load(database)["email"].last_sent_at == ago(60)
