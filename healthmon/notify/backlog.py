"""Which of a channel's queued messages is sent next, and which of them say together what each would have said alone?

Messages go out in their order, one at a time. When a channel was out of order, or gets more than it may be sent, what
waits is told together: of each outage only how it stands by now, so that nobody is woken by what is long over, and
never told of a failure after its recovery.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.alert import rank
from healthmon.model.notification import NotificationKind
from healthmon.notify.message import LATE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from healthmon.model.delivery import Delivery, Queued
    from healthmon.model.notification import Affected, Notification

    Subject = tuple[int, str, int]  # one outage
    Entry = tuple[Affected, Notification]  # what is said of a service, and the message that says it

WINDOW = timedelta(minutes=10)
MANY = 10  # more than so many that wait are told together even when none is late
MAX_AFFECTED = 200  # services in one message that is put together
LONGEST_PAUSE = timedelta(hours=1, minutes=10)  # who has to wait longer than any pause lasts: the clock was set back
STANDING = (  # of an outage that lasts
    NotificationKind.FIRING,
    NotificationKind.WORSENED,
    NotificationKind.FLAPPING,
    NotificationKind.ESCALATED,
    NotificationKind.REMINDER,
)
ENDINGS = (NotificationKind.RESOLVED, NotificationKind.REMOVED)
OUTAGES = (*STANDING, *ENDINGS)


class Turn(StrEnum):
    """What a channel does now."""

    IDLE = "idle"  # nothing waits
    SEND = "send"
    COMBINE = "combine"  # put several messages together; then ask again
    EXPIRE = "expire"  # the lifetime of some is over
    RETRY_LATER = "retry_later"  # the last attempt failed, and its pause lasts
    PACED = "paced"  # so much was sent that the next has to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do; `until` is when to ask again at the latest."""

    turn: Turn
    send: Queued | None = None
    members: tuple[Delivery, ...] = ()  # those that expire, or that are replaced
    messages: tuple[Notification, ...] = ()  # what replaces them
    until: datetime | None = None


def decide(queued: Sequence[Queued], *, sent_at: Sequence[datetime], limit: int, now: datetime, may_expire: bool = True) -> Decision:
    """Decide for one channel, whose deliveries wait in this order; `sent_at` are the sendings of the last ten minutes.

    Nothing expires but where it is certain how late it is: right after the clock was set, it is not.
    """
    if not queued:
        return Decision(turn=Turn.IDLE)
    over = tuple(one.delivery for one in queued if _is_over(one.delivery, now)) if may_expire else ()
    if over:
        return Decision(turn=Turn.EXPIRE, members=over)
    first = queued[0]
    if now < first.delivery.next_attempt_at <= now + LONGEST_PAUSE:
        return Decision(turn=Turn.RETRY_LATER, until=first.delivery.next_attempt_at)
    free_at = next_free(sent_at, limit=limit)
    if free_at is not None and free_at > now:
        return Decision(turn=Turn.PACED, until=free_at)
    if _is_behind(queued, sent_at, limit, now):
        members, messages = combine(queued)
        if members:
            return Decision(turn=Turn.COMBINE, members=members, messages=messages)
    return Decision(turn=Turn.SEND, send=first)


def next_free(sent_at: Sequence[datetime], *, limit: int) -> datetime | None:
    """Return when the next message may go out, None for at once.

    Half of what is allowed may go out in one burst; after that the other half is spread over the window, so that
    a flood costs a message a minute or so, and the one that matters never waits for the end of the window.
    """
    burst = limit // 2
    if len(sent_at) < burst:
        return None
    paced = sent_at[-1] + WINDOW / (limit - burst)
    return max(paced, sent_at[-limit] + WINDOW) if len(sent_at) >= limit else paced


def combine(queued: Sequence[Queued]) -> tuple[tuple[Delivery, ...], tuple[Notification, ...]]:
    """Return the deliveries that can be told together, and the messages that do it; nothing when each stands alone.

    What may have arrived already is left as it is: its receiver knows it by its key.
    """
    fresh = [one for one in queued if not one.delivery.may_have_arrived and not _is_full(one.notification)]
    outages = [one for one in fresh if one.notification.kind in OUTAGES]
    left = {_subject(affected) for one in queued if _is_full(one.notification) for affected in one.notification.affected}
    events = [one for one in fresh if one.notification.kind is NotificationKind.EVENT]
    members: list[Delivery] = []
    messages: list[Notification] = []
    for several, together in ((outages, _as_they_stand(outages, left)), (events, _told_together(_entries(events), NotificationKind.EVENT))):
        if Counter(map(_content, together)) != Counter(_content(one.notification) for one in several):
            members += [one.delivery for one in several]
            messages += together
    return tuple(members), tuple(messages)


def _is_full(notification: Notification) -> bool:
    """Tell whether to leave a message as it is: what it says is over, and it holds as much as one may."""
    return notification.kind not in STANDING and len(notification.affected) >= MAX_AFFECTED


def _content(notification: Notification) -> tuple[NotificationKind, tuple[Affected, ...]]:
    return notification.kind, notification.affected


def _is_over(delivery: Delivery, now: datetime) -> bool:
    """Tell whether to give up. What was never tried is tried once, whatever the clock says."""
    return delivery.attempts > 0 and delivery.expires_at <= now


def _is_behind(queued: Sequence[Queued], sent_at: Sequence[datetime], limit: int, now: datetime) -> bool:
    first = queued[0]
    late = now - first.notification.created_at > LATE
    return late or first.delivery.attempts > 0 or len(queued) > MANY or len(sent_at) >= limit // 2


def _subject(affected: Affected) -> Subject:
    """Return what identifies an outage; what belongs to no conversation stands for itself."""
    number = affected.conversation_id
    return (number, "", 0) if number else (0, affected.service, affected.alert_id)


def _entries(queued: Sequence[Queued]) -> list[Entry]:
    return [(affected, one.notification) for one in queued for affected in one.notification.affected]


def _as_they_stand(outages: Sequence[Queued], left: Collection[Subject]) -> list[Notification]:
    """Say of each outage the last that is known: those that last first, then those that are over.

    Of those in `left`, a message that stays in its place has the last word: nothing of them may come to stand behind it.
    """
    latest: dict[Subject, Entry] = {}
    for affected, source in _entries(outages):
        latest.pop(_subject(affected), None)
        if _subject(affected) not in left:
            latest[_subject(affected)] = (affected, source)
    lasting = [entry for entry in latest.values() if entry[1].kind in STANDING]
    kinds = {source.kind for _, source in lasting}
    first = next((kind for kind in STANDING if kind in kinds), NotificationKind.FIRING)
    over = [message for kind in ENDINGS for message in _told_together([entry for entry in latest.values() if entry[1].kind is kind], kind)]
    return [*_told_together(lasting, first), *over]


def _told_together(told: Sequence[Entry], kind: NotificationKind) -> list[Notification]:
    return [_message(told[start : start + MAX_AFFECTED], kind) for start in range(0, len(told), MAX_AFFECTED)]


def _message(told: Sequence[Entry], kind: NotificationKind) -> Notification:
    return replace(
        told[0][1],
        notification_id=0,
        kind=kind,
        severity=max((affected.severity for affected, _ in told), key=rank),
        created_at=min(source.created_at for _, source in told),
        affected=tuple(affected for affected, _ in told),
    )
