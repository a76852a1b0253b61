"""What was said about one outage of one service, and what is still to be said?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.alert import AlertSeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All alerts of one service from the first to the end of what they tell of. Open until everything is said."""

    conversation_id: int
    service_id: int
    severity: AlertSeverity  # the highest of its alerts so far
    opened_at: datetime
    started_at: datetime  # since when what it tells of held: before its rule had waited it out
    alert_id: int  # its first alert
    alert_types: tuple[str, ...]  # all so far
    is_outage: bool = False  # the service was unhealthy in it: then it is over when the service is healthy again
    over_at: datetime | None = None
    root_service_id: int | None = None  # the service that this one is ill because of, or that speaks for both
    because_of: str | None = None  # the container in trouble that nobody watches, when this one speaks for all that depend on it
    released_at: datetime | None = None  # when what it was ill because of recovered
    urgent_at: datetime | None = None  # when something happened that a person must hear of, whatever the severity
    announced_at: datetime | None = None  # the first message
    announced_severity: AlertSeverity | None = None
    notified_at: datetime | None = None  # the last message
    told_dependents: tuple[str, ...] = ()  # the services that it named as ill because of this one
    told_channels: tuple[str, ...] = ()  # those that were told of it
    escalated: tuple[float, ...] = ()  # the steps of the escalation that were taken, by their minutes
    flapping_at: datetime | None = None  # since when the service comes and goes; None while it does not
    told_flapping: bool = False  # people were told so, and not yet that it is steady again
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledgement: str | None = None  # why, in the person's words
    acknowledged_until: datetime | None = None  # None: until it is over
    closed_at: datetime | None = None  # all is said

    def is_acknowledged(self, now: datetime) -> bool:
        if self.acknowledged_at is None:
            return False
        return self.acknowledged_until is None or now < self.acknowledged_until
