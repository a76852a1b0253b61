"""What a channel does next with what waits for it: tables of cases, and one property over any history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.model.alert import AlertSeverity
from healthmon.model.delivery import ChannelState, Delivery, DeliveryState, Queued
from healthmon.model.notification import Affected, Notification, NotificationKind
from healthmon.notify import retry
from healthmon.notify.backlog import MANY, MAX_AFFECTED, WINDOW, Decision, Turn, combine, decide
from tests.builders import NOW, a_notification, ago

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

KIND = NotificationKind
LIMIT = 20


def queued(
    number: int,
    kind: NotificationKind = KIND.FIRING,
    *outages: int,
    age_s: float = 0.0,
    severity: AlertSeverity = AlertSeverity.CRITICAL,
    **changes: object,
) -> Queued:
    """A delivery about some outages, by their numbers; by default one of its own."""
    resolved_at = ago(age_s) if kind is KIND.RESOLVED else None
    one = a_notification(kind, severity=severity, resolved_at=resolved_at).affected[0]
    affected = tuple(replace(one, conversation_id=outage, service=f"s{outage}") for outage in outages or (number,))
    told = replace(a_notification(kind), notification_id=number, created_at=ago(age_s), affected=affected, severity=severity)
    facts: dict[str, object] = {
        "delivery_id": number,
        "notification_id": number,
        "channel": "email",
        "state": DeliveryState.QUEUED,
        "attempts": 0,
        "next_attempt_at": ago(age_s),
        "expires_at": NOW + timedelta(hours=24),
    }
    return Queued(delivery=Delivery(**facts | changes), notification=told)  # type: ignore[arg-type]


def decided(*waiting: Queued, sent_at: Sequence[datetime] = ()) -> Decision:
    return decide(waiting, sent_at=sent_at, limit=LIMIT, now=NOW)


def told(messages: Sequence[Notification]) -> list[tuple[str, list[int]]]:
    return [(one.kind.value, [affected.conversation_id for affected in one.affected]) for one in messages]


LATE_S = 600.0
TABLE = [
    ("nothing waits", (), (), Turn.IDLE),
    ("one waits", (queued(1),), (), Turn.SEND),
    ("several wait, none late", (queued(1), queued(2), queued(3)), (), Turn.SEND),
    ("a failure and its end, none late", (queued(1), queued(2, KIND.RESOLVED, 1)), (), Turn.SEND),
    ("the first has failed just now", (queued(1, attempts=1, next_attempt_at=NOW + timedelta(seconds=5)), queued(2)), (), Turn.RETRY_LATER),
    ("its pause is over", (queued(1, attempts=1),), (), Turn.SEND),
    ("its pause is over, and more came", (queued(1, attempts=1), queued(2)), (), Turn.COMBINE),
    ("a pause that no pause can be", (queued(1, attempts=1, next_attempt_at=NOW + timedelta(days=9)),), (), Turn.SEND),
    ("late ones of two outages", (queued(1, age_s=LATE_S), queued(2)), (), Turn.COMBINE),
    ("a late one alone", (queued(1, age_s=LATE_S),), (), Turn.SEND),
    ("late, but nothing to put together", (queued(1, age_s=LATE_S), queued(2, KIND.RESOLVED)), (), Turn.SEND),
    ("many", tuple(queued(number) for number in range(1, MANY + 2)), (), Turn.COMBINE),
    ("late events", (queued(1, KIND.EVENT, age_s=LATE_S), queued(2, KIND.EVENT)), (), Turn.COMBINE),
    ("late tests", (queued(1, KIND.TEST, age_s=LATE_S), queued(2, KIND.TEST)), (), Turn.SEND),
    ("its lifetime is over", (queued(1, attempts=9, expires_at=NOW), queued(2)), (), Turn.EXPIRE),
    ("its lifetime is over, but nobody ever tried", (queued(1, expires_at=NOW),), (), Turn.SEND),
    ("half of the allowance is sent", (queued(1),), [ago(9)] * (LIMIT // 2), Turn.PACED),
    ("half of it, a minute ago", (queued(1),), [ago(61)] * (LIMIT // 2), Turn.SEND),
    ("half of it, and two wait", (queued(1), queued(2)), [ago(61)] * (LIMIT // 2), Turn.COMBINE),
    ("all of it", (queued(1),), [ago(599), *[ago(61)] * (LIMIT - 1)], Turn.PACED),
]


@pytest.mark.parametrize(("about", "waiting", "sent_at", "turn"), TABLE)
def test_what_a_channel_does_next(about: str, waiting: tuple[Queued, ...], sent_at: Sequence[datetime], turn: Turn) -> None:
    decision = decided(*waiting, sent_at=sent_at)
    assert decision.turn is turn, about
    if turn is Turn.SEND:
        assert decision.send == waiting[0]
    if turn in {Turn.PACED, Turn.RETRY_LATER}:
        assert decision.until is not None
        assert NOW < decision.until <= NOW + WINDOW


COMBINED = [
    ("two that last", (queued(1), queued(2)), [("firing", [1, 2])]),
    ("a failure and its end", (queued(1), queued(2, KIND.RESOLVED, 1)), [("resolved", [1])]),
    ("one ended, one lasts", (queued(1), queued(2), queued(3, KIND.RESOLVED, 1)), [("firing", [2]), ("resolved", [1])]),
    ("part of a message ended", (queued(1, KIND.FIRING, 1, 2, 3), queued(2, KIND.RESOLVED, 2)), [("firing", [1, 3]), ("resolved", [2])]),
    ("ended and back again", (queued(1), queued(2, KIND.RESOLVED, 1), queued(3, KIND.WORSENED, 1)), [("worsened", [1])]),
    ("worse and worse", (queued(1), queued(2, KIND.WORSENED, 1), queued(3, KIND.REMINDER, 1)), [("reminder", [1])]),
    ("a reminder and a new one", (queued(1, KIND.REMINDER), queued(2)), [("firing", [1, 2])]),
    ("two ends", (queued(1, KIND.RESOLVED), queued(2, KIND.RESOLVED)), [("resolved", [1, 2])]),
    ("two events", (queued(1, KIND.EVENT), queued(2, KIND.EVENT)), [("event", [1, 2])]),
    ("one that lasts and another's end", (queued(1), queued(2, KIND.RESOLVED)), []),
    ("one that may have arrived is repeated as it was", (queued(1, attempts=1, unknown_attempts=1), queued(2), queued(3)), [("firing", [2, 3])]),
    ("a test and one that lasts", (queued(1, KIND.TEST), queued(2)), []),
    ("a report of another channel stays by itself", (queued(1, KIND.UNDELIVERED), queued(2), queued(3)), [("firing", [2, 3])]),
]


@pytest.mark.parametrize(("about", "waiting", "expected"), COMBINED)
def test_what_is_told_together(about: str, waiting: tuple[Queued, ...], expected: list[tuple[str, list[int]]]) -> None:
    members, messages = combine(waiting)
    assert told(messages) == expected, about
    alone = {KIND.TEST, KIND.UNDELIVERED}
    replaced = [one for one in waiting if one.notification.kind not in alone and not one.delivery.may_have_arrived]
    assert len(members) == (len(replaced) if expected else 0)


def test_one_message_for_several_is_as_severe_as_the_worst_and_as_old_as_the_oldest() -> None:
    [message] = combine([queued(1, severity=AlertSeverity.WARNING, age_s=50), queued(2, age_s=20)])[1]
    assert (message.severity, message.created_at, message.notification_id) == (AlertSeverity.CRITICAL, ago(50), 0)


def test_what_belongs_to_no_conversation_is_never_taken_for_another() -> None:
    assert told(combine([queued(1, KIND.FIRING, 0), queued(2, KIND.FIRING, 0, 5)])[1]) == [("firing", [0, 5])]
    apart = queued(2, KIND.FIRING, 0)
    other = tuple(replace(one, service="other") for one in apart.notification.affected)
    both = combine([queued(1, KIND.FIRING, 0), replace(apart, notification=replace(apart.notification, affected=other))])[1]
    assert told(both) == [("firing", [0, 0])]


def settled(waiting: list[Queued]) -> list[Queued]:
    """Do with the queue what the notifier does, until there is nothing to put together."""
    for _ in range(5):
        members, messages = combine(waiting)
        if not members:
            return waiting
        gone = {one.delivery_id for one in members}
        last = max(one.delivery.delivery_id for one in waiting)
        fresh = [
            Queued(delivery=replace(waiting[0].delivery, delivery_id=last + number), notification=message)
            for number, message in enumerate(messages, 1)
        ]
        waiting = [one for one in waiting if one.delivery.delivery_id not in gone] + fresh
    raise AssertionError("it never ends")


def entries(waiting: Sequence[Queued]) -> list[tuple[Affected, NotificationKind]]:
    return [(affected, one.notification.kind) for one in waiting for affected in one.notification.affected]


@given(st.lists(st.tuples(st.sampled_from([KIND.FIRING, KIND.WORSENED, KIND.REMINDER, KIND.RESOLVED]), st.integers(1, 6)), max_size=30))
def test_each_outage_is_told_once_as_it_stands_and_none_is_lost(history: list[tuple[NotificationKind, int]]) -> None:
    waiting = [queued(number, kind, outage) for number, (kind, outage) in enumerate(history, 1)]
    after = entries(settled(waiting))
    last = {outage: kind is KIND.RESOLVED for kind, outage in history}
    assert {affected.conversation_id: kind is KIND.RESOLVED for affected, kind in after} == last
    assert len(after) == len(last)


def test_five_thousand_ends_become_a_few_messages_and_stay_as_they_are() -> None:
    waiting = settled([queued(number, KIND.RESOLVED) for number in range(1, 5_001)])
    assert [len(one.notification.affected) for one in waiting] == [MAX_AFFECTED] * (5_000 // MAX_AFFECTED)
    more = settled([*waiting, queued(9_001, KIND.RESOLVED), queued(9_002, KIND.RESOLVED)])
    assert more[: len(waiting)] == waiting
    assert len(more) == len(waiting) + 1


def test_more_that_last_than_fit_into_one_message_settle_too() -> None:
    waiting = settled([queued(number) for number in range(1, MAX_AFFECTED + 51)])
    assert [len(one.notification.affected) for one in waiting] == [MAX_AFFECTED, 50]


def test_no_flood_sends_more_than_is_allowed_in_any_ten_minutes_nor_holds_one_up_for_long() -> None:
    sent: list[datetime] = []
    longest = timedelta()
    now = NOW
    for second in range(3_600):
        now = NOW + timedelta(seconds=second)
        recent = [at for at in sent if now - at < WINDOW][-LIMIT:]
        if decide([queued(1)], sent_at=recent, limit=LIMIT, now=now).turn is Turn.SEND:
            longest = max(longest, now - sent[-1]) if sent else longest
            sent.append(now)
    assert max(sum(timedelta() <= at - first < WINDOW for at in sent) for first in sent) <= LIMIT
    assert longest <= timedelta(minutes=2)


@pytest.mark.parametrize(
    ("attempts", "spread", "asked_s", "seconds"),
    [(1, 0.5, None, 5), (1, 0.0, None, 4), (1, 1.0, None, 6), (2, 0.5, None, 10), (7, 0.5, None, 300), (5_000, 0.5, None, 300), (1, 0.5, 120, 120), (9, 0.5, 1, 300)],
)
def test_the_pause_doubles_from_five_seconds_to_five_minutes_and_is_what_was_asked_at_least(
    attempts: int,
    spread: float,
    asked_s: float | None,
    seconds: float,
) -> None:
    assert retry.pause(attempts, spread=spread, asked_s=asked_s) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("failing_s", "said"),
    [((), ""), ((None,), ""), ((301, None), ""), ((301, 299), ""), ((299,), ""), ((301,), "c0: e"), ((301, 900), "c0: e; c1: e")],
)
def test_nobody_is_reached_when_every_channel_has_failed_for_five_minutes(failing_s: tuple[float | None, ...], said: str) -> None:
    names = [f"c{number}" for number in range(len(failing_s))]
    since = [None if seconds is None else ago(seconds) for seconds in failing_s]
    states = {name: ChannelState(channel=name, failing_since=at, last_error="e") for name, at in zip(names, since, strict=True)}
    assert retry.nobody_reached(names, states, now=NOW) == said


def test_a_failure_never_comes_to_stand_behind_an_end_that_holds_as_much_as_one_may() -> None:
    """Two messages about 250 outages, and then one that ends them all."""
    waiting = [
        queued(1, KIND.FIRING, *range(1, 151), attempts=1),
        queued(2, KIND.FIRING, *range(151, 251)),
        queued(3, KIND.RESOLVED, *range(1, 251)),
        queued(4, KIND.FIRING, 300),
    ]
    members, messages = combine(waiting)
    assert [one.delivery_id for one in members] == [1, 2, 4]
    assert told(messages) == [("firing", [300])]
