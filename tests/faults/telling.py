"""What do the rows of messages share? An agent with channels, a message to bring, and what has become of it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.model.notification import NotificationKind
from healthmon.processes.doorbell import ring
from healthmon.store import outbox
from healthmon.store.opening import create_or_open
from tests.builders import a_notification
from tests.faults.agents import Agent, agent
from tests.hostile import Server, answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tests.receivers import Receiver, Request

DAY = timedelta(hours=24)


@contextmanager
def telling(**alerting: Any) -> Iterator[Agent]:
    """An agent that watches one service, which is well, and so has nothing of its own to say."""
    with Server(answers()) as well:
        services = [{"name": "well", "url": well.url, "group": "core"}]
        with agent(services, alerting={"rate_limit_per_10_minutes": 10_000, **alerting}) as host:
            yield host


def hook(receiver: Receiver) -> dict[str, Any]:
    return {"webhook_notifications": {"enabled": True, "url": receiver.url}}


def tell(host: Agent, channels: Sequence[str], *, kind: NotificationKind = NotificationKind.FIRING, at: datetime | None = None, number: int) -> None:
    """Queue a message about the outage `number`, as the evaluator would."""
    resolved_at = clock.now() if kind is NotificationKind.RESOLVED else None
    told = a_notification(kind, conversation_id=number, service=f"svc-{number}", resolved_at=resolved_at)
    connection = create_or_open(host.paths.database)
    try:
        with connection.transaction(durable=True):
            outbox.enqueue(connection, replace(told, created_at=at or clock.now()), channels, lifetime=DAY)
    finally:
        connection.close()
    ring(host.paths.doorbell("notifier"))


def none_waits(host: Agent) -> bool:
    return host.rows("SELECT count(*) FROM deliveries WHERE closed_at IS NULL") == [(0,)]


def outages(requests: Sequence[Request]) -> Counter[int]:
    return Counter(one["conversation_id"] for request in requests for one in request.document["services"])
