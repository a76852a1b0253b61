"""What was said about one outage of one service, and what is still to be said?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.alert import AlertSeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All alerts of one service from the first to the end of the last. It stays open until everything is said."""

    conversation_id: int
    service_id: int
    severity: AlertSeverity  # the highest of its alerts so far
    opened_at: datetime
    over_at: datetime | None = None  # since when no alert of it is firing
    root_service_id: int | None = None  # the service that this one is ill because of
    released_at: datetime | None = None  # when that one recovered
    urgent_at: datetime | None = None  # when something happened that a person must hear of, whatever the severity
    announced_at: datetime | None = None  # the first message
    announced_severity: AlertSeverity | None = None
    notified_at: datetime | None = None  # the last message
    closed_at: datetime | None = None  # all is said
