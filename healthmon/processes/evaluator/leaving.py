"""The part of the evaluator that says the last word about services that are not watched any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.model.notification import NotificationKind
from healthmon.notify.batches import Batch
from healthmon.store import conversations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthmon.model.conversation import Conversation
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.addressing import Addressing
    from healthmon.processes.evaluator.posting import Posting
    from healthmon.store.connection import Connection


def say_farewell(connection: Connection, left: Sequence[tuple[Conversation, Service]], addressing: Addressing, posting: Posting, now: datetime) -> None:
    """Tell who was told of the outages of these services that they are not watched any more."""
    where = {one.service_id: addressing.those_told(one) for one, _ in left}
    for channels in dict.fromkeys(where.values()):
        members = [(one, service) for one, service in left if where[one.service_id] == channels]
        batch = Batch(kind=NotificationKind.REMOVED, members=tuple(one.service_id for one, _ in members), channels=channels)
        posting.post_farewell(connection, batch, members, now)
    for one, _ in left:
        conversations.save(connection, replace(one, over_at=one.over_at or now, notified_at=now, closed_at=now))
