"""What is kept of alerts comes back as it was, and the rows that must not be two are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.clock_step import ClockStep
from healthmon.errors import StoreError
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.model.rule_state import RulePhase, RuleState
from healthmon.model.silence import Silence
from healthmon.store import (
    alert_review,
    alerts,
    clock_steps,
    conversations,
    operator_actions,
    outbox,
    outcomes,
    rule_states,
    services,
    silences,
)
from healthmon.store.opening import create_or_open
from tests.builders import NOW, a_notification, ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.model.conversation import Conversation
    from healthmon.store.connection import Connection

HOUR = timedelta(hours=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "core", True), ("frontend", "web", False)], now=NOW)
    yield opened
    opened.close()


def an_alert(*, service_id: int | None = 1, alert_type: str = "down", since: float = 600, until: float | None = None) -> Alert:
    return Alert(
        service_id=service_id,
        alert_type=alert_type,
        severity=AlertSeverity.CRITICAL,
        message="doc_store is unhealthy",
        started_at=ago(since + 120),
        triggered_at=ago(since),
        resolved_at=None if until is None else ago(until),
        values=(("status", "unhealthy"),),
    )


def begin(database: Connection, *, since: float = 600, alert_id: int = 1) -> Conversation:
    severity = AlertSeverity.CRITICAL
    return conversations.begin(database, 1, severity=severity, alert_types=("down",), alert_id=alert_id, started_at=ago(since + 9), now=ago(since))


def test_alerts_that_fire_come_back_with_their_values(database: Connection) -> None:
    first = alerts.add(database, an_alert())
    alerts.add(database, an_alert(alert_type="slow", until=10))
    ourselves = alerts.add(database, an_alert(service_id=None, alert_type="history_lost"))
    assert alerts.firing(database) == [
        replace(an_alert(), alert_id=first),
        replace(an_alert(service_id=None, alert_type="history_lost"), alert_id=ourselves),
    ]


@pytest.mark.parametrize("service_id", [1, None])
def test_two_alerts_of_one_kind_cannot_fire_for_one_service(database: Connection, service_id: int | None) -> None:
    alerts.add(database, an_alert(service_id=service_id))
    with pytest.raises(StoreError):
        alerts.add(database, an_alert(service_id=service_id))


def test_a_conversation_comes_back_as_it_was_said(database: Connection) -> None:
    begun = begin(database, alert_id=7)
    assert conversations.open_conversations(database) == [begun]
    told = replace(
        begun,
        severity=AlertSeverity.WARNING,
        alert_types=("down", "slow"),
        is_outage=True,
        over_at=ago(5),
        root_service_id=2,
        released_at=ago(6),
        urgent_at=ago(7),
        announced_at=ago(8),
        announced_severity=AlertSeverity.WARNING,
        notified_at=ago(4),
        told_dependents=("a", "b"),
        acknowledged_at=ago(3),
        acknowledged_by="ada",
        acknowledgement="on it",
        acknowledged_until=NOW,
    )
    conversations.save(database, told)
    assert conversations.open_conversations(database) == [told]
    conversations.save(database, replace(told, closed_at=NOW))
    assert conversations.open_conversations(database) == []
    assert conversations.outages_told_since(database, ago(1)) == {1: NOW}
    assert conversations.outages_told_since(database, NOW + HOUR) == {}


def test_one_service_has_one_conversation(database: Connection) -> None:
    begin(database)
    with pytest.raises(StoreError):
        begin(database)


def test_rule_states_come_back_until_they_are_deleted(database: Connection) -> None:
    pending = RuleState(service_id=1, rule="down", phase=RulePhase.PENDING, since=ago(60), unknown_since=ago(5))
    firing = RuleState(service_id=2, rule="down", phase=RulePhase.FIRING, since=ago(60))
    rule_states.save(database, [pending, firing])
    assert rule_states.load(database) == [pending, firing]
    rule_states.delete(database, [(1, "down")])
    assert rule_states.load(database) == [firing]


def test_what_a_person_said_waits_until_it_is_settled(database: Connection) -> None:
    silence = OperatorAction(
        kind=OperatorActionKind.SILENCE,
        made_at=NOW,
        author="ada",
        reason="a deployment",
        until=NOW + HOUR,
        matchers=("service=doc_*",),
    )
    action_id = operator_actions.add(database, silence)
    assert operator_actions.waiting(database) == [replace(silence, action_id=action_id)]
    assert operator_actions.outcome(database, action_id) is None
    operator_actions.settle(database, action_id, at=NOW, outcome="silence 1 holds")
    assert (operator_actions.waiting(database), operator_actions.outcome(database, action_id)) == ([], "silence 1 holds")


def test_a_silence_holds_until_it_is_ended(database: Connection) -> None:
    silence = Silence(silence_id=0, matchers=("group=core",), starts_at=NOW, ends_at=NOW + HOUR, author="ada", reason="")
    silence_id = silences.add(database, silence)
    assert silences.not_over(database, now=NOW) == [replace(silence, silence_id=silence_id)]
    assert silences.not_over(database, now=NOW + HOUR) == []
    assert silences.end(database, silence_id, at=NOW)
    assert not silences.end(database, silence_id, at=NOW)


@pytest.mark.parametrize("step", [HOUR, -HOUR, timedelta(days=3_650), timedelta(days=-3_650)])
def test_what_is_under_way_keeps_its_time_when_the_clock_is_set(database: Connection, step: timedelta) -> None:
    alerts.add(database, an_alert())
    begin(database)
    rule_states.save(database, [RuleState(service_id=1, rule="down", phase=RulePhase.PENDING, since=ago(60))])
    outbox.enqueue(database, a_notification(), ["email"], lifetime=timedelta(hours=24))
    with database.transaction(durable=True):
        clock_steps.follow(database, ClockStep(before=NOW, after=NOW + step))
    after = NOW + step
    [alert] = alerts.firing(database)
    assert (after - alert.triggered_at, after - (alert.started_at or NOW)) == (timedelta(seconds=600), timedelta(seconds=720))
    [spoken] = conversations.open_conversations(database)
    assert (after - spoken.opened_at, after - spoken.started_at) == (timedelta(seconds=600), timedelta(seconds=609))
    assert after - rule_states.load(database)[0].since == timedelta(seconds=60)
    [(expires_at,)] = database.rows("SELECT expires_at FROM deliveries")
    assert expires_at == (after + timedelta(hours=24)).strftime("%Y-%m-%d %H:%M:%S.000")


def test_a_review_tells_what_became_of_each_rules_alerts(database: Connection) -> None:
    for since, until in ((9_000, 8_900), (7_000, 3_000), (2_000, 1_000), (60, None)):
        alerts.add(database, an_alert(since=since, until=until))
    seen = begin(database, since=2_000, alert_id=3)
    conversations.save(database, replace(seen, acknowledged_at=ago(1_500), closed_at=ago(1_000)))
    [found] = alert_review.per_rule(database, now=NOW, since=ago(86_400))
    assert (found.fired, found.firing, found.acknowledged, found.false, found.short, found.ignored) == (4, 1, 1, 0, 1, 1)
    assert found.median_minutes == 16.7
    with database.transaction(durable=True):
        outcomes.mark_false(database, 1, by="ada", reason="a test", at=NOW)
    [found] = alert_review.per_rule(database, now=NOW, since=ago(86_400))
    assert (found.fired, found.acknowledged, found.false, found.short, found.ignored) == (4, 1, 1, 0, 1)
    assert alert_review.per_rule(database, now=NOW, since=NOW) == []
