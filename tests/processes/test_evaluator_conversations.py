"""What is said when one outage follows another, alerts outlive an outage, and causes change meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.heal import HealState
from healthmon.model.operator_action import OperatorActionKind
from healthmon.notify.cause import HEALING_OFF
from healthmon.store import certificates, heals, incidents, rule_states
from tests.builders import a_heal
from tests.processes.alert_timeline import AT_ONCE, DOWN, SLOW, tell, timelines
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHAKY = {"name": "shaky", "condition": "failure_ratio_15m > 0.3", "severity": "critical"}


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


@pytest.mark.parametrize("rule", [DOWN | {"keep_firing_minutes": 10}, SHAKY])
def test_a_second_outage_is_told_though_the_alert_outlived_the_first(a_timeline: Any, rule: dict[str, Any]) -> None:
    timeline = a_timeline(rule)
    timeline.pass_minutes(30)
    timeline.pass_minutes(12, doc_store=BAD)
    timeline.pass_minutes(3)
    timeline.pass_minutes(20, doc_store=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing", "resolved", "firing"]


def test_what_an_outage_leaves_is_told_when_that_is_over(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, {"name": "certificate", "condition": "cert_expires_days < 14", "severity": "warning"})
    timeline.pass_minutes(5)
    timeline.pass_minutes(3, doc_store=BAD)
    certificates.note(timeline.connection, {1: timeline.now + timedelta(days=5)})
    timeline.pass_minutes(3, doc_store=BAD)
    timeline.pass_minutes(5)
    assert [kind for kind, _ in timeline.said()] == ["firing", "resolved", "firing"]
    assert timeline.messages()[-1].affected[0].alert_types == ("certificate",)


def test_slowness_after_an_outage_is_told_and_its_end_too(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, SLOW)
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, doc_store=BAD, response_time_s=5)
    [outage] = incidents.open_incidents(timeline.connection)
    with timeline.connection.transaction(durable=False):
        heals.add(timeline.connection, a_heal(HealState.VERIFIED, incident_id=outage.incident_id))
    timeline.pass_minutes(20, response_time_s=5)
    timeline.pass_minutes(5)
    told = [(message.kind.value, message.affected[0].healing) for message in timeline.messages()]
    assert told == [("firing", HEALING_OFF), ("resolved", "restarted once"), ("firing", ""), ("resolved", "")], "a restart healed the outage alone"


def test_a_window_that_only_looks_back_is_no_news(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, SHAKY)
    timeline.pass_minutes(30)
    timeline.pass_minutes(12, doc_store=BAD)
    timeline.pass_minutes(60)
    assert [kind for kind, _ in timeline.said()] == ["firing", "resolved"]


def test_who_is_ill_because_of_another_is_named_before_its_own_rule_fires(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"services": ["doc_store"]}, DOWN | {"name": "later", "duration_minutes": 5})
    timeline.pass_minutes(5)
    timeline.pass_minutes(15, doc_store=BAD, frontend=BAD)
    [message] = timeline.messages()
    assert [(one.service, one.dependents) for one in message.affected] == [("doc_store", ("frontend",))]


def test_a_message_is_as_bad_as_the_worst_that_it_speaks_for(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"services": ["doc_store"], "severity": "warning"}, DOWN | {"name": "front", "services": ["frontend"]})
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    assert {message.severity.value for message in timeline.messages()} == {"critical"}


def test_a_silence_for_the_root_does_not_silence_who_depends_on_it(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    tell(timeline, OperatorActionKind.SILENCE, matchers=("service=doc_store",), until=timeline.now + timedelta(hours=5))
    timeline.pass_minutes(5)
    timeline.pass_minutes(10, doc_store=BAD, frontend=BAD)
    assert timeline.said() == [("firing", "frontend")]


def test_a_root_that_nobody_can_see_any_more_stays_the_root(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    timeline.pass_minutes(20, doc_store=CheckReason.NO_NETWORK, frontend=BAD)
    assert [services for _, services in timeline.said() if "frontend" in services] == []


def test_who_waited_for_another_is_looked_at_before_it_is_told_of(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    timeline.look(GOOD, CheckKind.REQUESTED)
    timeline.step()
    timeline.step()
    assert [services for kind, services in timeline.said() if kind == "firing"] == ["doc_store"]
    timeline.look(GOOD, CheckKind.REQUESTED, service_id=2)
    timeline.step()
    assert [services for kind, services in timeline.said() if kind == "firing"] == ["doc_store"]


def test_a_window_holds_each_look_once_over_a_restart(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "many", "condition": "checks_1h > 40", "severity": "warning"}, grouping=AT_ONCE)
    timeline.pass_minutes(20)
    assert timeline.alerts("firing") == []
    timeline.now += timedelta(seconds=30)
    timeline.look(GOOD)
    timeline.look(GOOD)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    assert timeline.alerts("firing") == ["doc_store many"]  # 42: neither 2 nor 44
    timeline.connection.change("UPDATE alert_log SET resolved_at = triggered_at")


def test_time_without_us_is_no_time_that_a_condition_held(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"duration_minutes": 10}, grouping=AT_ONCE)
    timeline.pass_minutes(5)
    timeline.pass_minutes(1, doc_store=BAD)
    timeline.now += timedelta(hours=1)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    assert timeline.said() == []
    timeline.pass_minutes(5, doc_store=BAD)
    assert timeline.said() == []
    timeline.pass_minutes(6, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]


def test_a_rule_whose_severity_was_changed_fires_as_it_is_now(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"severity": "warning"}, grouping=AT_ONCE)
    timeline.pass_minutes(2)
    timeline.pass_minutes(2, doc_store=BAD)
    rule = timeline.config.alert_rules[0].model_copy(update={"severity": timeline.messages()[0].severity.__class__("critical")})
    timeline.config = timeline.config.model_copy(update={"alert_rules": (rule,)})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1, doc_store=BAD)
    assert [(kind, message.severity.value) for (kind, _), message in zip(timeline.said(), timeline.messages(), strict=True)] == [
        ("firing", "warning"),
        ("worsened", "critical"),
    ]
    assert len(rule_states.load(timeline.connection)) == 1


def test_a_service_that_was_not_watched_for_a_time_gets_its_outage_again(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(2)
    timeline.pass_minutes(2, doc_store=BAD)
    everything = timeline.config.services
    timeline.config = timeline.config.model_copy(update={"services": everything[1:]})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(5)
    timeline.config = timeline.config.model_copy(update={"services": everything})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(2, doc_store=BAD)
    assert len(incidents.open_incidents(timeline.connection)) == 1
    assert timeline.said()[-1] == ("firing", "doc_store")


def test_what_is_no_outage_began_when_its_condition_did_and_is_still_told_when_it_is_over(a_timeline: Any) -> None:
    timeline = a_timeline(SLOW | {"duration_minutes": 10}, grouping=AT_ONCE)
    timeline.pass_minutes(5)
    began = timeline.now
    timeline.pass_minutes(12, response_time_s=2.5)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1)
    firing, resolved = (message.affected[0] for message in timeline.messages())
    assert timedelta(0) <= firing.started_at - began < timedelta(seconds=31)
    assert resolved.started_at == firing.started_at
    assert "response_time" in resolved.message


def test_events_of_one_moment_are_told_together_over_a_restart(a_timeline: Any) -> None:
    event = {"name": "slow", "condition": "response_time > 1", "severity": "info"}
    timeline = a_timeline(event)
    timeline.pass_minutes(1)
    timeline.look(GOOD, response_time_s=5)
    timeline.step()
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.look(GOOD, response_time_s=5, service_id=2)
    timeline.step()
    assert timeline.said() == []
    timeline.now += timedelta(seconds=30)
    timeline.step()
    assert timeline.said() == [("event", "doc_store frontend")]
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(2, response_time_s=5)
    assert len(timeline.said()) == 1


def test_an_event_that_is_silenced_while_it_waits_is_not_told(a_timeline: Any) -> None:
    timeline = a_timeline(SLOW | {"severity": "info"})
    timeline.pass_minutes(1)
    timeline.look(GOOD, response_time_s=5)
    timeline.step()
    tell(timeline, OperatorActionKind.SILENCE, matchers=("service=doc_store",), until=timeline.now + timedelta(hours=1))
    timeline.pass_minutes(2, response_time_s=5)
    assert timeline.said() == []


@pytest.mark.parametrize("ends", ["silence", "acknowledgement"])
def test_the_end_of_what_keeps_people_untold_needs_no_look_to_be_seen(a_timeline: Any, ends: str) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 0, "interval_seconds": 0, "repeat_seconds": 60})
    timeline.pass_minutes(1)
    until = timeline.now + timedelta(minutes=10)
    if ends == "silence":
        tell(timeline, OperatorActionKind.SILENCE, matchers=("alert=down",), until=until)
    timeline.pass_minutes(1, doc_store=BAD)
    if ends == "acknowledgement":
        tell(timeline, OperatorActionKind.ACKNOWLEDGE, service="doc_store", until=until)
    said = timeline.said()
    timeline.now = until
    assert timeline.evaluator.step() >= 0  # by itself, without a look
    assert len(timeline.said()) == len(said) + 1


def test_one_of_two_alerts_that_is_silenced_silences_no_outage(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, DOWN | {"name": "other"}, grouping=AT_ONCE)
    tell(timeline, OperatorActionKind.SILENCE, matchers=("alert=down",), until=timeline.now + timedelta(hours=1))
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]


def test_two_silences_that_keep_both_alerts_quiet_keep_the_outage_quiet(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, DOWN | {"name": "other"}, grouping=AT_ONCE)
    for name in ("down", "other"):
        tell(timeline, OperatorActionKind.SILENCE, matchers=(f"alert={name}",), until=timeline.now + timedelta(hours=1))
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    assert timeline.said() == []


def test_that_an_outage_was_told_is_known_over_a_restart(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, SHAKY)
    timeline.pass_minutes(30)
    timeline.pass_minutes(12, doc_store=BAD)
    timeline.pass_minutes(1)
    assert timeline.alerts("firing") == ["doc_store shaky"]
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(60)
    assert [kind for kind, _ in timeline.said()] == ["firing", "resolved"]
