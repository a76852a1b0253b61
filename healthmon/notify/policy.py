"""When is which message sent? One pure function, from what is known of a conversation to a decision with its reason.

The questions are asked in order; the first that has an answer decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.alert import AlertSeverity
from healthmon.model.notification import NotificationKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from healthmon.model.conversation import Conversation


class NotifyVerdict(StrEnum):
    SEND = "send"
    WAIT = "wait"  # time alone lifts it: `until` says when
    HOLD = "hold"  # something else has to change first
    CLOSE = "close"  # nothing is left to say


class NotifyReason(StrEnum):
    FIRST_WORD = "first_word"
    WORSENED = "worsened"
    NEEDS_PERSON = "needs_person"
    FLAPPING = "flapping"  # said once, instead of a first word and a recovery for each time
    SETTLED = "settled"  # it does not flap any more, and is ill
    SPREAD = "spread"  # more services are ill because of this one
    RECOVERED = "recovered"
    ESCALATED = "escalated"  # nobody acknowledged it: others are told, too
    REMINDER = "reminder"
    REMOVED = "removed"  # it did not end: what it was about was taken out of the configuration
    OVER_BEFORE_TOLD = "over_before_told"
    GROUPING = "grouping"  # others may fail, or recover, in the same moment
    UNDER_ROOT = "under_root"  # what it depends on is ill: that one's message names it
    ROOT_IN_DOUBT = "root_in_doubt"  # what it depends on has just failed a look
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    ACKNOWLEDGED = "acknowledged"
    TOLD = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an escalation, known by its minutes after the first message."""

    after_minutes: float
    channels: tuple[str, ...]
    severities: frozenset[AlertSeverity]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyDecision:
    """What to say about one conversation now. `until` is set for WAIT only, `kind` for SEND and for what is grouped.

    `steps` are those of the escalation that are taken with it: they say to whom it goes.
    """

    verdict: NotifyVerdict
    reason: NotifyReason
    until: datetime | None = None
    kind: NotificationKind | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """For how long others are waited for, how often it is said that it spread, and how often it is said again."""

    wait: timedelta
    interval: timedelta
    repeat: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Everything that a decision rests on."""

    now: datetime
    grouping: Grouping
    conversation: Conversation
    first_wait: timedelta | None = None  # of a first word, where it is not that of the grouping
    dependents: tuple[str, ...] = ()  # the services that are ill because of this one
    doubted_until: datetime | None = None  # so long what it depends on has the first word
    silenced_until: datetime | None = None
    maintained_until: datetime | None = None
    is_removed: bool = False  # it is over only because nothing in the configuration asks for it any more
    escalation: tuple[Step, ...] = ()

    @property
    def is_acknowledged(self) -> bool:
        return self.conversation.is_acknowledged(self.now)


MANY = 5  # outages that were told of in a short time: then it is worth more to hear of the others together
LONGER = 4.0

_RANKS = {AlertSeverity.INFO: 0, AlertSeverity.WARNING: 1, AlertSeverity.CRITICAL: 2}


def decide(talk: Talk) -> NotifyDecision:
    """Return what to say about one conversation, with its reason."""
    for question in QUESTIONS:
        answer = question(talk)
        if answer is not None:
            return answer
    return NotifyDecision(verdict=NotifyVerdict.HOLD, reason=NotifyReason.TOLD)


def first_wait(grouping: Grouping, announced: Iterable[datetime], now: datetime) -> timedelta:
    """Return how long a first word waits for others: after one that told of many 2 minutes instead of half a one, then 5.

    `announced` is when each outage that lasts was told first.
    """
    recent = [at for at in announced if now - at < grouping.interval]
    if len(recent) < MANY:
        return grouping.wait
    longer: float = LONGER ** len(set(recent))
    return max(grouping.wait, min(grouping.wait * longer, grouping.interval))


def rank(severity: AlertSeverity) -> int:
    """Return how bad a severity is: more is worse."""
    return _RANKS[severity]


def _over(talk: Talk) -> NotifyDecision | None:
    """An outage that is over is told to who was told of it, once those that end in the same moment have ended, too."""
    conversation = talk.conversation
    if conversation.over_at is None:
        return None
    if conversation.announced_at is None:
        return NotifyDecision(verdict=NotifyVerdict.CLOSE, reason=NotifyReason.OVER_BEFORE_TOLD)
    kind, reason = (NotificationKind.REMOVED, NotifyReason.REMOVED) if talk.is_removed else (NotificationKind.RESOLVED, NotifyReason.RECOVERED)
    return _wait(talk, conversation.over_at, kind) or _send(kind, reason)


def _muted(talk: Talk) -> NotifyDecision | None:
    if talk.silenced_until is not None:
        return _hold(NotifyReason.SILENCED, until=talk.silenced_until)
    return None if talk.maintained_until is None else _hold(NotifyReason.MAINTENANCE, until=talk.maintained_until)


def _under_root(talk: Talk) -> NotifyDecision | None:
    if talk.conversation.announced_at is not None:
        return None
    if talk.conversation.root_service_id is not None:
        return _hold(NotifyReason.UNDER_ROOT, until=None)
    if talk.doubted_until is None or talk.doubted_until <= talk.now:
        return None
    return NotifyDecision(verdict=NotifyVerdict.WAIT, reason=NotifyReason.ROOT_IN_DOUBT, until=talk.doubted_until)


def _flapping(talk: Talk) -> NotifyDecision | None:
    """What comes and goes is told once, and once more when it stays away; what stays well is over."""
    conversation = talk.conversation
    if conversation.flapping_at is None:
        return _send(NotificationKind.WORSENED, NotifyReason.SETTLED) if conversation.told_flapping else None
    if conversation.told_flapping:
        return None
    since = max(conversation.flapping_at, conversation.released_at or conversation.flapping_at)
    grouped = _wait(talk, since, NotificationKind.FLAPPING, wait=talk.first_wait)
    return grouped or _send(NotificationKind.FLAPPING, NotifyReason.FLAPPING)


def _first_word(talk: Talk) -> NotifyDecision | None:
    conversation = talk.conversation
    if conversation.announced_at is not None:
        return None
    since = max(conversation.opened_at, conversation.released_at or conversation.opened_at)
    grouped = _wait(talk, since, NotificationKind.FIRING, wait=talk.first_wait)
    return grouped or _send(NotificationKind.FIRING, NotifyReason.FIRST_WORD)


def _worsened(talk: Talk) -> NotifyDecision | None:
    conversation = talk.conversation
    told = conversation.announced_severity
    if told is not None and rank(conversation.severity) > rank(told):
        return _send(NotificationKind.WORSENED, NotifyReason.WORSENED)
    urgent, notified = conversation.urgent_at, conversation.notified_at
    if urgent is not None and notified is not None and urgent > notified:
        return _send(NotificationKind.WORSENED, NotifyReason.NEEDS_PERSON)
    return None


def _escalated(talk: Talk) -> NotifyDecision | None:
    if talk.is_acknowledged:
        return None
    due = tuple(step for step, at in _steps_left(talk) if at <= talk.now)
    if not due:
        return None
    return NotifyDecision(verdict=NotifyVerdict.SEND, reason=NotifyReason.ESCALATED, kind=NotificationKind.ESCALATED, steps=due)


def _steps_left(talk: Talk) -> list[tuple[Step, datetime]]:
    """Return the steps that are not taken yet, and when each is due."""
    conversation = talk.conversation
    first = conversation.announced_at
    if first is None:
        return []
    return [
        (step, first + timedelta(minutes=step.after_minutes))
        for step in talk.escalation
        if step.after_minutes not in conversation.escalated and conversation.severity in step.severities
    ]


def _spread(talk: Talk) -> NotifyDecision | None:
    conversation = talk.conversation
    if conversation.notified_at is None or set(talk.dependents) <= set(conversation.told_dependents):
        return None
    if conversation.flapping_at is not None:
        return None  # so do those that depend on it
    due = conversation.notified_at + talk.grouping.interval
    if talk.now < due:
        return NotifyDecision(verdict=NotifyVerdict.WAIT, reason=NotifyReason.SPREAD, until=due)
    return _send(NotificationKind.WORSENED, NotifyReason.SPREAD)


def _acknowledged(talk: Talk) -> NotifyDecision | None:
    return _hold(NotifyReason.ACKNOWLEDGED, until=talk.conversation.acknowledged_until) if talk.is_acknowledged else None


def _reminder(talk: Talk) -> NotifyDecision | None:
    notified = talk.conversation.notified_at
    if notified is None or talk.grouping.repeat <= timedelta(0) or talk.now < notified + talk.grouping.repeat:
        return None
    return _send(NotificationKind.REMINDER, NotifyReason.REMINDER)


def _later(talk: Talk) -> NotifyDecision | None:
    """Wait for the next reminder, or the next step of the escalation."""
    notified, repeat = talk.conversation.notified_at, talk.grouping.repeat
    dues = [at for _, at in _steps_left(talk)]
    if notified is not None and repeat > timedelta(0):
        dues.append(notified + repeat)
    return NotifyDecision(verdict=NotifyVerdict.WAIT, reason=NotifyReason.TOLD, until=min(dues)) if dues else None


def _wait(talk: Talk, since: datetime, kind: NotificationKind, *, wait: timedelta | None = None) -> NotifyDecision | None:
    due = since + (talk.grouping.wait if wait is None else wait)
    if talk.now >= due:
        return None
    return NotifyDecision(verdict=NotifyVerdict.WAIT, reason=NotifyReason.GROUPING, until=due, kind=kind)


def _send(kind: NotificationKind, reason: NotifyReason) -> NotifyDecision:
    return NotifyDecision(verdict=NotifyVerdict.SEND, reason=reason, kind=kind)


def _hold(reason: NotifyReason, *, until: datetime | None) -> NotifyDecision:
    """Say nothing until something else changes, or until its time is over, where it has one."""
    return NotifyDecision(verdict=NotifyVerdict.HOLD if until is None else NotifyVerdict.WAIT, reason=reason, until=until)


QUESTIONS: tuple[Callable[[Talk], NotifyDecision | None], ...] = (
    _over,
    _muted,
    _under_root,
    _flapping,
    _first_word,
    _worsened,
    _escalated,
    _spread,
    _acknowledged,
    _reminder,
    _later,
)
