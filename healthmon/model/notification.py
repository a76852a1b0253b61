"""What are people told? One message, the same facts for every channel that it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.alert import AlertSeverity


class NotificationKind(StrEnum):
    FIRING = "firing"  # the first word of an outage
    WORSENED = "worsened"  # the severity rose, or it spread
    FLAPPING = "flapping"  # it comes and goes: said once, until it is steady again
    ESCALATED = "escalated"  # nobody acknowledged it, so others are told, too
    REMINDER = "reminder"  # it still lasts, and nobody acknowledged it
    RESOLVED = "resolved"
    REMOVED = "removed"  # it did not end: what it was about was taken out of the configuration
    EVENT = "event"  # of severity info: told once, never resolved
    UNDELIVERED = "undelivered"  # another channel could not deliver this: told on the next that works
    TEST = "test"  # a person wants to see whether a channel works


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One service in a message. Every text is plain, one line, and from anybody: a sender escapes it for its medium.

    `conversation_id` joins the messages about one outage of one service; 0 belongs to none. `facts` are what is known of
    the cause, in the order in which they are shown: ("container", "exited with code 137, out of memory"). `values` are
    the operands of the rules that fired. `dependents` are the services that are ill because of this one;
    with `because_of` they are ill like this one, because of a container that nobody watches: "redis exited with code 137".
    `news` is what is new of an outage that was told before: "now critical". Of what is over, `dependents` are those that are well again, too. `removed` says why there is nothing more to be told
    of what was not seen to end.
    """

    conversation_id: int
    service: str
    group: str
    critical: bool
    severity: AlertSeverity
    alert_id: int
    alert_types: tuple[str, ...]
    message: str
    started_at: datetime
    resolved_at: datetime | None = None
    is_outage: bool = False  # it does not answer as it should; anything else is told by the rule's name
    facts: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    healing: str = ""
    dependents: tuple[str, ...] = ()
    because_of: str = ""
    news: str = ""
    removed: str = ""
    links: tuple[tuple[str, str], ...] = ()

    @property
    def is_resolved(self) -> bool:
        return self.resolved_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message. `notification_id` is 0 until it is stored; it is the idempotency key of every delivery."""

    notification_id: int = 0
    kind: NotificationKind
    severity: AlertSeverity
    created_at: datetime
    host: str
    affected: tuple[Affected, ...]
