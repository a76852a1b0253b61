"""When which message is sent: a table of conversations, and how they share messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthmon.model.alert import AlertSeverity, rank
from healthmon.model.conversation import Conversation
from healthmon.model.notification import NotificationKind
from healthmon.notify.batches import Batch, batches
from healthmon.notify.decision import NotifyDecision, NotifyReason, NotifyVerdict, Step
from healthmon.notify.grouping import Grouping, first_wait
from healthmon.notify.policy import decide
from healthmon.notify.talk import Talk
from tests.builders import NOW, ago

CRITICAL, WARNING = AlertSeverity.CRITICAL, AlertSeverity.WARNING
GROUPING = Grouping(wait=timedelta(seconds=30), interval=timedelta(minutes=5), repeat=timedelta(hours=4))
TOLD = {"announced_at": ago(60), "announced_severity": CRITICAL, "notified_at": ago(60)}


def a_conversation(**changes: Any) -> Conversation:
    plain: dict[str, Any] = {"conversation_id": 1, "service_id": 1, "severity": CRITICAL, "opened_at": ago(120), "started_at": ago(150), "alert_id": 7, "alert_types": ("service_down",)}
    return Conversation(**plain | changes)


STEPS = (
    Step(after_minutes=15, channels=("pager",), severities=frozenset({CRITICAL})),
    Step(after_minutes=30, channels=("boss",), severities=frozenset({CRITICAL, WARNING})),
)
LONG_TOLD = TOLD | {"announced_at": ago(900), "notified_at": ago(900)}
STEPPED = {"escalation": STEPS}
LATER = NOW + timedelta(hours=1)
SEEN = {"acknowledged_at": ago(30)}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, NotifyReason]] = [
    ("a new one waits for others", {"opened_at": ago(29)}, {}, "wait", NotifyReason.GROUPING),
    ("then it is told", {"opened_at": ago(30)}, {}, "send firing", NotifyReason.FIRST_WORD),
    ("what is told is not told again", TOLD, {}, "wait", NotifyReason.TOLD),
    ("a blip is not told", {"over_at": ago(1)}, {}, "close", NotifyReason.OVER_BEFORE_TOLD),
    ("a recovery waits for others", TOLD | {"over_at": ago(29)}, {}, "wait", NotifyReason.GROUPING),
    ("then it is told, too", TOLD | {"over_at": ago(30)}, {}, "send resolved", NotifyReason.RECOVERED),
    ("one that it named was not looked at since: it may be back, too", TOLD | {"over_at": ago(30)}, {"named_in_doubt_until": LATER}, "wait", NotifyReason.NAMED_IN_DOUBT),
    ("nobody could look at it", TOLD | {"over_at": ago(60)}, {"named_in_doubt_until": NOW}, "send resolved", NotifyReason.RECOVERED),
    ("a worse severity is told at once", TOLD | {"announced_severity": WARNING}, {}, "send worsened", NotifyReason.WORSENED),
    ("a better one is not", TOLD | {"severity": WARNING}, {}, "wait", NotifyReason.TOLD),
    ("given up: told at once", TOLD | {"urgent_at": ago(5)}, {}, "send worsened", NotifyReason.NEEDS_PERSON),
    ("given up, and told", TOLD | {"urgent_at": ago(61)}, {}, "wait", NotifyReason.TOLD),
    ("it lasts: a reminder", TOLD | {"notified_at": ago(14_400)}, {}, "send reminder", NotifyReason.REMINDER),
    ("it spreads: told, but not each time", TOLD, {"dependents": ("a", "b")}, "wait", NotifyReason.SPREAD),
    ("it has spread", TOLD | {"notified_at": ago(300)}, {"dependents": ("a", "b")}, "send worsened", NotifyReason.SPREAD),
    ("it has spread as far as was told", TOLD | {"told_dependents": ("a", "b")}, {"dependents": ("a", "b")}, "wait", NotifyReason.TOLD),
    ("no reminder once acknowledged", TOLD | SEEN | {"notified_at": ago(14_400)}, {}, "hold", NotifyReason.ACKNOWLEDGED),
    (
        "worse than what was acknowledged",
        TOLD | SEEN | {"announced_severity": WARNING},
        {},
        "send worsened",
        NotifyReason.WORSENED,
    ),
    ("nobody has acknowledged it: a step", LONG_TOLD, STEPPED, "send escalated", NotifyReason.ESCALATED),
    ("a second too early", LONG_TOLD | {"announced_at": ago(899)}, STEPPED, "wait", NotifyReason.TOLD),
    ("each step once", LONG_TOLD | {"escalated": (15.0,)}, STEPPED, "wait", NotifyReason.TOLD),
    ("acknowledged: no step", LONG_TOLD | SEEN, STEPPED, "hold", NotifyReason.ACKNOWLEDGED),
    ("a step of other severities", LONG_TOLD | {"severity": WARNING}, STEPPED, "wait", NotifyReason.TOLD),
    ("silenced: no step", LONG_TOLD, STEPPED | {"silenced_until": LATER}, "wait", NotifyReason.SILENCED),
    ("over: no step", LONG_TOLD | {"over_at": ago(40)}, STEPPED, "send resolved", NotifyReason.RECOVERED),
    ("what was not told does not escalate", {"opened_at": ago(9_000)}, STEPPED, "send firing", NotifyReason.FIRST_WORD),
    ("a step before the word that it spread", LONG_TOLD, STEPPED | {"dependents": ("a", "b")}, "send escalated", NotifyReason.ESCALATED),
    ("silenced", {}, {"silenced_until": LATER}, "wait", NotifyReason.SILENCED),
    ("in maintenance", {}, {"maintained_until": LATER}, "wait", NotifyReason.MAINTENANCE),
    ("a recovery is told although silenced", TOLD | {"over_at": ago(30)}, {"silenced_until": LATER}, "send resolved", NotifyReason.RECOVERED),
    ("acknowledged for a time: looked at again when it ends", TOLD | SEEN | {"acknowledged_until": LATER}, {}, "wait", NotifyReason.ACKNOWLEDGED),
    ("one of those that it named is well, and another is ill", TOLD | {"told_dependents": ("a",)}, {"dependents": ("b",)}, "wait", NotifyReason.SPREAD),
    ("fewer than it named are left", TOLD | {"told_dependents": ("a", "b")}, {"dependents": ("b",)}, "wait", NotifyReason.TOLD),
    ("its rule is taken out: others may be, too", TOLD | {"over_at": ago(29)}, {"is_removed": True}, "wait", NotifyReason.GROUPING),
    ("then that is told", TOLD | {"over_at": ago(30)}, {"is_removed": True}, "send removed", NotifyReason.REMOVED),
    ("it was not told: nor is that", {"over_at": ago(30)}, {"is_removed": True}, "close", NotifyReason.OVER_BEFORE_TOLD),
    ("ill because of another", {"root_service_id": 2}, {}, "hold", NotifyReason.UNDER_ROOT),
    ("that one is being looked at", {}, {"doubted_until": NOW + timedelta(seconds=9)}, "wait", NotifyReason.ROOT_IN_DOUBT),
    ("that one has just recovered", {"released_at": ago(29)}, {}, "wait", NotifyReason.GROUPING),
    ("still ill after that one has recovered", {"released_at": ago(30)}, {}, "send firing", NotifyReason.FIRST_WORD),
    ("it begins to flap: others may, too", {"flapping_at": ago(29)}, {}, "wait", NotifyReason.GROUPING),
    ("then that is told instead of a first word", {"flapping_at": ago(30)}, {}, "send flapping", NotifyReason.FLAPPING),
    ("or after one", TOLD | {"flapping_at": ago(30)}, {}, "send flapping", NotifyReason.FLAPPING),
    ("it flaps because of another", {"flapping_at": ago(30), "root_service_id": 2}, {}, "hold", NotifyReason.UNDER_ROOT),
    ("it flaps, and that was told", TOLD | {"flapping_at": ago(90), "told_flapping": True}, {}, "wait", NotifyReason.TOLD),
    (
        "nor is it told who flaps with it",
        TOLD | {"flapping_at": ago(900), "told_flapping": True, "notified_at": ago(600)},
        {"dependents": ("a", "b")},
        "wait",
        NotifyReason.TOLD,
    ),
    (
        "it flaps, and is worse than was told",
        TOLD | {"flapping_at": ago(90), "told_flapping": True, "announced_severity": WARNING},
        {},
        "send worsened",
        NotifyReason.WORSENED,
    ),
    ("it flaps no more, and is ill", TOLD | {"told_flapping": True}, {}, "send worsened", NotifyReason.SETTLED),
    ("it flaps no more, and is well", TOLD | {"told_flapping": True, "over_at": ago(30)}, {}, "send resolved", NotifyReason.RECOVERED),
    ("told before the root fell ill", TOLD | {"root_service_id": 2, "over_at": ago(30)}, {}, "send resolved", NotifyReason.RECOVERED),
]


@pytest.mark.parametrize(("case", "conversation", "world", "wanted", "reason"), CASES, ids=[case[0] for case in CASES])
def test_decision(case: str, conversation: dict[str, Any], world: dict[str, Any], wanted: str, reason: NotifyReason) -> None:
    decision = decide(Talk(now=NOW, grouping=GROUPING, conversation=a_conversation(**conversation), **world))
    verdict, _, kind = wanted.partition(" ")
    assert (decision.verdict.value, decision.reason) == (verdict, reason), case
    if verdict == "send":
        assert decision.kind is NotificationKind(kind)
    assert (decision.until is not None) == (verdict == "wait")
    if LATER in {*world.values(), *conversation.values()} and verdict == "wait":
        assert decision.until == LATER


def test_without_grouping_the_first_word_is_told_at_once() -> None:
    grouping = Grouping(wait=timedelta(0), interval=timedelta(0), repeat=timedelta(0))
    decision = decide(Talk(now=NOW, grouping=grouping, conversation=a_conversation(opened_at=NOW)))
    assert decision.verdict is NotifyVerdict.SEND
    told = a_conversation(**TOLD | {"notified_at": ago(999_999)})
    assert decide(Talk(now=NOW, grouping=grouping, conversation=told)).verdict is NotifyVerdict.HOLD


def test_all_steps_that_are_due_are_taken_at_once() -> None:
    told = a_conversation(**TOLD | {"announced_at": ago(9_000), "notified_at": ago(9_000)})
    assert decide(Talk(now=NOW, grouping=GROUPING, conversation=told, escalation=STEPS)).steps == STEPS


def test_what_comes_first_is_waited_for() -> None:
    """A step, or the reminder; a step also where there are no reminders."""
    told = a_conversation(**TOLD)
    assert decide(Talk(now=NOW, grouping=GROUPING, conversation=told, escalation=STEPS)).until == ago(60) + timedelta(minutes=15)
    soon = Grouping(wait=timedelta(0), interval=timedelta(0), repeat=timedelta(minutes=5))
    assert decide(Talk(now=NOW, grouping=soon, conversation=told, escalation=STEPS)).until == ago(60) + timedelta(minutes=5)
    never = Grouping(wait=timedelta(0), interval=timedelta(0), repeat=timedelta(0))
    assert decide(Talk(now=NOW, grouping=never, conversation=told, escalation=STEPS)).until == ago(60) + timedelta(minutes=15)


def test_severities_are_ranked() -> None:
    assert sorted(AlertSeverity, key=rank) == [AlertSeverity.INFO, WARNING, CRITICAL]


def a_decision(verdict: NotifyVerdict, reason: NotifyReason, kind: NotificationKind | None = None) -> NotifyDecision:
    return NotifyDecision(verdict=verdict, reason=reason, kind=kind)


FIRST = a_decision(NotifyVerdict.SEND, NotifyReason.FIRST_WORD, NotificationKind.FIRING)
WAITING = a_decision(NotifyVerdict.WAIT, NotifyReason.GROUPING, NotificationKind.FIRING)
WORSE = a_decision(NotifyVerdict.SEND, NotifyReason.WORSENED, NotificationKind.WORSENED)
OVER = a_decision(NotifyVerdict.SEND, NotifyReason.RECOVERED, NotificationKind.RESOLVED)
NEARLY_OVER = a_decision(NotifyVerdict.WAIT, NotifyReason.GROUPING, NotificationKind.RESOLVED)
SAID = a_decision(NotifyVerdict.HOLD, NotifyReason.TOLD)


def test_who_waits_goes_along_with_who_is_due() -> None:
    assert batches({1: FIRST, 2: WAITING, 3: SAID}) == [Batch(kind=NotificationKind.FIRING, members=(1, 2))]


def test_a_first_word_makes_the_message_one_also_where_it_only_goes_along() -> None:
    """Who files messages by their event would else have an outage that never began."""
    assert batches({1: WORSE, 2: WAITING}) == [Batch(kind=NotificationKind.FIRING, members=(1, 2))]


def test_nothing_is_said_while_all_wait() -> None:
    assert batches({1: WAITING, 2: NEARLY_OVER, 3: SAID}) == []


def test_bad_news_share_a_message_and_good_ones_another() -> None:
    found = batches({1: WORSE, 2: OVER, 3: FIRST, 4: NEARLY_OVER})
    assert found == [
        Batch(kind=NotificationKind.FIRING, members=(1, 3)),
        Batch(kind=NotificationKind.RESOLVED, members=(2, 4)),
    ]


def test_who_begins_to_flap_is_told_apart() -> None:
    flaps = a_decision(NotifyVerdict.SEND, NotifyReason.FLAPPING, NotificationKind.FLAPPING)
    found = batches({1: FIRST, 2: flaps, 3: flaps})
    assert found == [Batch(kind=NotificationKind.FIRING, members=(1,)), Batch(kind=NotificationKind.FLAPPING, members=(2, 3))]


def test_fifty_at_once_are_one_message() -> None:
    [found] = batches(dict.fromkeys(range(50), FIRST))
    assert len(found.members) == 50


@pytest.mark.parametrize(
    ("case", "announced", "seconds"),
    [
        ("nothing was told", (), 30),
        ("a few were", (10, 20, 30, 40), 30),
        ("many were, in one message", (10,) * 5, 120),
        ("many were, in two", (10, 10, 10, 60, 60), 300),
        ("many were, long ago", (301,) * 9, 30),
    ],
)
def test_a_first_word_waits_longer_for_others_after_one_that_told_of_many(case: str, announced: tuple[float, ...], seconds: float) -> None:
    assert first_wait(GROUPING, map(ago, announced), NOW) == timedelta(seconds=seconds), case


def test_without_grouping_a_first_word_never_waits() -> None:
    grouping = Grouping(wait=timedelta(0), interval=timedelta(minutes=5), repeat=timedelta(0))
    assert first_wait(grouping, [ago(1)] * 9, NOW) == timedelta(0)
