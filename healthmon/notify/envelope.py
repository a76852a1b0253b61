"""What does a sender get? A message, as facts and as text, and what belongs to this attempt at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.notify import message

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.notification import Notification
    from healthmon.notify.message import Rendered

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One attempt at one message. `key` is the same at every attempt: a receiver that knows it has the message already."""

    notification: Notification
    rendered: Rendered
    key: str
    at: datetime
    possible_repeat: bool
    late: bool


def enclose(notification: Notification, *, at: datetime, possible_repeat: bool) -> Envelope:
    """Make ready what is sent at `at`."""
    return Envelope(
        notification=notification,
        rendered=message.render(notification, now=at, possible_repeat=possible_repeat),
        key=key_of(notification),
        at=at,
        possible_repeat=possible_repeat,
        late=message.is_late(notification, at),
    )


def key_of(notification: Notification) -> str:
    """Return a key that no other message has, of another host or of a database that was made anew either."""
    host = _UNSAFE.sub("_", notification.host)[:64]
    return f"{host}-{notification.notification_id}-{int(notification.created_at.timestamp() * 1000)}"
