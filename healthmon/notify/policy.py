"""When is which message sent? One pure function, from what is known of a conversation to a decision with its reason.

The questions are asked in order; the first that has an answer decides.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.alert import rank
from healthmon.model.notification import NotificationKind
from healthmon.notify.decision import NotifyDecision, NotifyReason, NotifyVerdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthmon.notify.decision import Step
    from healthmon.notify.talk import Talk


def decide(talk: Talk) -> NotifyDecision:
    """Return what to say about one conversation, with its reason."""
    for question in QUESTIONS:
        answer = question(talk)
        if answer is not None:
            return answer
    return NotifyDecision(verdict=NotifyVerdict.HOLD, reason=NotifyReason.TOLD)


def _over(talk: Talk) -> NotifyDecision | None:
    """An outage that is over is told to who was told of it, once those that end in the same moment have ended, too."""
    conversation = talk.conversation
    if conversation.over_at is None:
        return None
    if conversation.announced_at is None:
        return NotifyDecision(verdict=NotifyVerdict.CLOSE, reason=NotifyReason.OVER_BEFORE_TOLD)
    if talk.is_removed:
        return _wait(talk, conversation.over_at, NotificationKind.REMOVED) or _send(NotificationKind.REMOVED, NotifyReason.REMOVED)
    grouped = _wait(talk, conversation.over_at, NotificationKind.RESOLVED)
    return grouped or _named_in_doubt(talk) or _send(NotificationKind.RESOLVED, NotifyReason.RECOVERED)


def _named_in_doubt(talk: Talk) -> NotifyDecision | None:
    until = talk.named_in_doubt_until
    if until is None or until <= talk.now:
        return None
    return NotifyDecision(verdict=NotifyVerdict.WAIT, reason=NotifyReason.NAMED_IN_DOUBT, until=until)


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
