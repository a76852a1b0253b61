"""How is one message brought to one target?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.notification import Notification

MAX_DETAIL_CHARS = 500


class DeliveryState(StrEnum):
    """The outbox's states. Only the notifier moves a delivery, along these arrows:

    queued -> sent          the receiver took it
    queued -> parked        the receiver refused it for good, or its lifetime is over
    queued -> superseded    a later message of the same channel says what it would have said
    """

    QUEUED = "queued"
    SENT = "sent"
    PARKED = "parked"
    SUPERSEDED = "superseded"


class SendStatus(StrEnum):
    SENT = "sent"
    FAILED = "failed"  # it did not arrive, and may at another time
    REFUSED = "refused"  # it will never be taken
    UNKNOWN = "unknown"  # no answer: it may have arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What came of one attempt. `detail` is one clean line: the receiver's answer, kept as proof, or what went wrong."""

    status: SendStatus
    detail: str
    retry_after_s: float | None = None  # as the receiver asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the outbox. `attempts` counts those begun: it is written before each, so a crash in one is seen.

    `unknown_attempts` of them may have arrived: nobody saw how they ended, or no answer came.
    """

    delivery_id: int
    notification_id: int
    channel: str
    state: DeliveryState
    attempts: int
    unknown_attempts: int = 0
    next_attempt_at: datetime
    expires_at: datetime
    last_error: str | None = None
    proof: str | None = None
    closed_at: datetime | None = None

    @property
    def may_have_arrived(self) -> bool:
        return self.unknown_attempts > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A delivery that waits, and what it is to say."""

    delivery: Delivery
    notification: Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """How a channel fares. `failing_since` is the first failure since something got through."""

    channel: str
    last_sent_at: datetime | None = None
    failing_since: datetime | None = None
    last_error: str | None = None
    unreported_id: int | None = None  # the notification that it gave up, and that nobody was told of yet
    unreported_why: str | None = None
    reported_at: datetime | None = None  # when another channel was told that this one does not deliver
    target: str = ""  # a digest of the address or URL behind the name
