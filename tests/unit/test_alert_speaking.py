"""Who speaks for all that are ill because of one container that nobody watches."""

from __future__ import annotations

from typing import Any

from healthmon.alerts.speaking import speakers
from healthmon.model.alert import AlertSeverity
from healthmon.model.conversation import Conversation
from tests.builders import NOW

WARNING, CRITICAL = AlertSeverity.WARNING, AlertSeverity.CRITICAL
REDIS = {1: "redis", 2: "redis"}


def talk(sid: int, severity: AlertSeverity = WARNING, **changes: Any) -> Conversation:
    return Conversation(conversation_id=sid, service_id=sid, severity=severity, opened_at=NOW, started_at=NOW, alert_id=1, alert_types=("down",), **changes)


def who(*found: Conversation, muted: frozenset[int] = frozenset()) -> tuple[int, AlertSeverity]:
    speaker = speakers({one.service_id: one for one in found}, REDIS, muted)["redis"]
    return speaker.service_id, speaker.severity


def test_the_most_severe_speaks_and_of_equals_the_first() -> None:
    assert who(talk(1), talk(2)) == (1, WARNING)
    assert who(talk(1), talk(2, CRITICAL)) == (2, CRITICAL)


def test_who_has_spoken_goes_on_with_the_severity_of_all() -> None:
    assert who(talk(1, announced_at=NOW), talk(2, CRITICAL)) == (1, CRITICAL)


def test_one_that_is_muted_does_not_speak_for_the_others() -> None:
    assert who(talk(1, CRITICAL), talk(2), muted=frozenset({1})) == (2, CRITICAL)


def test_what_depends_on_a_service_is_not_concerned() -> None:
    assert speakers({1: talk(1), 3: talk(3)}, {1: 2}, ()) == {}
