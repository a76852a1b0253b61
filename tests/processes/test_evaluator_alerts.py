"""From looks to alerts to messages: the evaluator on a real database, on a timeline."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.notification import NotificationKind
from healthmon.model.operator_action import OperatorActionKind
from healthmon.rules.defaults import DEFAULT_RULES
from healthmon.store import certificates, probe_requests
from tests.processes.alert_timeline import AT_ONCE, DOWN, SLOW, tell, timelines
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEFAULTS = [rule.model_dump(mode="json", exclude_defaults=True) for rule in DEFAULT_RULES]


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


def test_a_critical_service_down_for_ten_minutes_is_one_message_and_one_recovery(a_timeline: Any) -> None:
    timeline = a_timeline(*DEFAULTS, max_consecutive_failures=5)
    timeline.pass_minutes(60)
    timeline.pass_minutes(10, doc_store=BAD)
    timeline.pass_minutes(60)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]
    firing, resolved = timeline.messages()
    assert "expected 200" in firing.affected[0].message
    assert resolved.affected[0].resolved_at is not None
    lasted = resolved.affected[0].resolved_at - resolved.affected[0].started_at
    assert timedelta(minutes=9) < lasted < timedelta(minutes=11)
    assert timeline.alerts("firing") == ["doc_store low_uptime"]
    over = ["consecutive_failures", "critical_service_down", "max_consecutive_failures", "service_down", "service_recovery"]
    assert timeline.alerts("resolved") == [f"doc_store {name}" for name in over]


def test_a_blip_alerts_nobody(a_timeline: Any) -> None:
    timeline = a_timeline(*DEFAULTS)
    timeline.pass_minutes(10)
    timeline.pass_minutes(0.5, doc_store=BAD)
    timeline.pass_minutes(10)
    assert timeline.said() == []


def test_an_alert_says_which_values_made_it_fire(a_timeline: Any) -> None:
    timeline = a_timeline(SLOW, grouping=AT_ONCE)
    timeline.pass_minutes(1, response_time_s=2.5)
    [message] = timeline.messages()
    assert message.affected[0].values == (("response_time", "2.5 s"),)
    assert "2.5" in message.affected[0].message


def test_an_uptime_that_is_still_low_is_no_news_after_the_outage_was_told(a_timeline: Any) -> None:
    low = {"name": "low_uptime", "condition": "uptime_percentage < 95", "severity": "warning"}
    timeline = a_timeline(DOWN, low | {"duration_minutes": 15})
    timeline.pass_minutes(10)
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.pass_minutes(60)
    assert timeline.alerts("firing") == ["doc_store low_uptime"]
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]


def test_an_uptime_that_is_low_is_told_when_nothing_else_was(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "low_uptime", "condition": "uptime_percentage < 95", "severity": "warning", "duration_minutes": 15})
    timeline.pass_minutes(10)
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.pass_minutes(60)
    assert timeline.said()[0] == ("firing", "doc_store")


def test_a_crash_between_two_transactions_repeats_and_loses_nothing(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    for _ in range(3):
        timeline.look(BAD)
    report = timeline.evaluator._reporting.report

    def crash(*_: object) -> bool:
        raise RuntimeError("the power is gone")

    timeline.evaluator._reporting.report = crash
    with pytest.raises(RuntimeError):
        timeline.step()
    assert timeline.said() == []
    timeline.evaluator._reporting.report = report
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    assert timeline.said() == [("firing", "doc_store")]


def test_a_pending_alert_survives_a_restart(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"duration_minutes": 5}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(4, doc_store=BAD)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1.5, doc_store=BAD)
    assert timeline.alerts("firing") == ["doc_store down"]


def test_what_nobody_can_see_neither_ends_an_alert_nor_begins_one(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"duration_minutes": 7}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(3, doc_store=BAD)
    timeline.pass_minutes(4, doc_store=CheckReason.NO_NETWORK)  # believed for 1.5 minutes, then unknown
    timeline.pass_minutes(1.5, doc_store=BAD)
    assert timeline.alerts("firing") == []  # 6 minutes of it are known
    timeline.pass_minutes(2.5, doc_store=BAD)
    assert timeline.alerts("firing") == ["doc_store down"]
    timeline.pass_minutes(4, doc_store=CheckReason.NO_NETWORK)
    assert timeline.alerts("firing") == ["doc_store down"]
    assert timeline.said() == [("firing", "doc_store")]


def test_a_severity_that_rises_is_told_once_more(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"name": "shaky", "severity": "warning"}, DOWN | {"duration_minutes": 3}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(10, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store"), ("worsened", "doc_store")]
    assert [message.severity.value for message in timeline.messages()] == ["warning", "critical"]


def test_who_depends_on_an_ill_one_is_named_under_it(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    timeline.pass_minutes(10, doc_store=BAD, frontend=BAD)
    [message] = timeline.messages()
    assert [(one.service, one.dependents) for one in message.affected] == [("doc_store", ("frontend",))]
    timeline.pass_minutes(10)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]


def test_who_stays_ill_after_its_root_recovered_is_told_of(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    timeline.pass_minutes(10, doc_store=BAD, frontend=BAD)
    timeline.pass_minutes(5, frontend=BAD)
    assert sorted(timeline.said()[1:]) == [("firing", "frontend"), ("resolved", "doc_store")]


def test_what_an_ill_service_depends_on_is_looked_at_before_it_is_told_of(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    for _ in range(3):
        timeline.look(BAD, service_id=2)
    timeline.step()
    assert timeline.said() == []
    assert probe_requests.standing(timeline.connection, now=timeline.now).keys() == {1}
    for _ in range(3):
        timeline.look(BAD, CheckKind.REQUESTED)
    timeline.step()
    [message] = timeline.messages()
    assert [(one.service, one.dependents) for one in message.affected] == [("doc_store", ("frontend",))]


def test_who_is_ill_alone_is_told_of_when_its_dependency_was_looked_at(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    for _ in range(3):
        timeline.look(BAD, service_id=2)
    timeline.step()
    timeline.look(GOOD, CheckKind.REQUESTED)
    timeline.step()
    assert timeline.said() == [("firing", "frontend")]


def test_an_outage_that_lasts_is_told_again(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 30, "repeat_seconds": 3_600})
    timeline.pass_minutes(1)
    timeline.pass_minutes(130, doc_store=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing", "reminder", "reminder"]


def test_five_unknown_minutes_are_told_with_the_cause(a_timeline: Any) -> None:
    timeline = a_timeline(grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(8, frontend=CheckReason.NO_NETWORK)
    [message] = timeline.messages()
    assert (message.kind, message.affected[0].alert_types) == (NotificationKind.FIRING, ("monitoring_blind",))
    assert dict(message.affected[0].facts)["last check"].startswith("no_network")


def test_an_event_is_told_once_on_its_edge_and_over_at_once(a_timeline: Any) -> None:
    timeline = a_timeline(SLOW | {"severity": "info"})
    timeline.pass_minutes(3, response_time_s=2.5)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(2, response_time_s=2.5)
    assert (timeline.said(), timeline.alerts("firing")) == ([("event", "doc_store")], [])
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, response_time_s=2.5)
    assert timeline.said() == [("event", "doc_store")] * 2


def test_a_certificate_that_expires_soon_is_told_in_time(a_timeline: Any) -> None:
    timeline = a_timeline({"name": "certificate", "condition": "cert_expires_days < 14", "severity": "warning"}, grouping=AT_ONCE)
    certificates.note(timeline.connection, {1: timeline.now + timedelta(days=14, hours=1), 2: timeline.now + timedelta(days=90)})
    timeline.pass_minutes(30)
    assert timeline.said() == []
    timeline.pass_minutes(40)
    assert timeline.said() == [("firing", "doc_store")]
    certificates.note(timeline.connection, {1: timeline.now + timedelta(days=90)})
    timeline.pass_minutes(1)
    assert [kind for kind, _ in timeline.said()] == ["firing", "resolved"]


def test_a_rule_that_is_gone_leaves_no_alert_behind(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    timeline.config = timeline.config.model_copy(update={"alert_rules": ()})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    assert timeline.alerts("firing") == []


def test_a_service_that_is_gone_is_spoken_of_no_more(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD, frontend=BAD)
    left = tuple(service for service in timeline.config.services if service.name != "doc_store")
    timeline.config = timeline.config.model_copy(update={"services": left})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(1, frontend=BAD)
    assert timeline.said() == [("firing", "doc_store"), ("removed", "doc_store"), ("firing", "frontend")]
    assert timeline.alerts("firing") == ["frontend down"]


def test_rules_hold_for_their_services_and_groups_only(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN | {"services": ["frontend"]}, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD, frontend=BAD)
    assert timeline.alerts("firing") == ["frontend down"]


def test_a_window_of_time_is_summed_up_over_a_restart(a_timeline: Any) -> None:
    ratio = {"name": "shaky", "condition": "failure_ratio_5m >= 0.3 and checks_5m >= 5", "severity": "warning"}
    timeline = a_timeline(ratio, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(2, doc_store=BAD)
    timeline.pass_minutes(1)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(0.5)
    assert timeline.alerts("firing") == ["doc_store shaky"]


def test_an_acknowledged_outage_is_not_told_again_but_its_end_is(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 30, "repeat_seconds": 3_600})
    timeline.pass_minutes(1)
    timeline.pass_minutes(10, doc_store=BAD)
    outcome = tell(timeline, OperatorActionKind.ACKNOWLEDGE, service="doc_store")
    assert outcome == "doc_store is acknowledged by ada until it is over"
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(130, doc_store=BAD)
    timeline.pass_minutes(2)
    assert [kind for kind, _ in timeline.said()] == ["firing", "resolved"]


def test_an_acknowledgement_that_ends_lets_reminders_come_again(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 0, "repeat_seconds": 3_600})
    timeline.pass_minutes(1)
    timeline.pass_minutes(10, doc_store=BAD)
    tell(timeline, OperatorActionKind.ACKNOWLEDGE, service="doc_store", until=timeline.now + timedelta(minutes=120))
    timeline.pass_minutes(95, doc_store=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing"]
    timeline.pass_minutes(25, doc_store=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing", "reminder"]


def test_only_an_outage_can_be_acknowledged(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(1)
    outcome = tell(timeline, OperatorActionKind.ACKNOWLEDGE, service="doc_store")
    assert outcome == "refused: there is no outage of doc_store to acknowledge"


def test_what_is_silenced_is_recorded_and_not_told_until_the_silence_ends(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    until = timeline.now + timedelta(minutes=10)
    outcome = tell(timeline, OperatorActionKind.SILENCE, matchers=("service=doc_*", "severity=critical"), until=until)
    assert str(outcome).startswith("silence 1 of doc_store holds until ")
    timeline.pass_minutes(5, doc_store=BAD)
    assert (timeline.said(), timeline.alerts("firing")) == ([], ["doc_store down"])
    timeline.pass_minutes(6, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]


def test_a_silence_for_another_service_keeps_nothing_quiet(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    tell(timeline, OperatorActionKind.SILENCE, matchers=("service!=doc_store",), until=timeline.now + timedelta(hours=1))
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]


@pytest.mark.parametrize(
    ("matchers", "said"),
    [
        (("service=doc_stroe",), "there is no service that is 'doc_stroe'; did you mean 'doc_store'?"),
        (("service=doc_store", "alert=donw"), "there is no alert that is 'donw'; did you mean 'down'?"),
        (("severity=critcal",), "there is no severity that is 'critcal'; did you mean 'critical'?"),
        (("service!=*",), "there is no service that is not '*'"),
        (("service=doc_store", "alert=slow"), "no alert that there can be matches all of it"),
    ],
)
def test_a_silence_that_can_match_nothing_is_refused_with_what_it_probably_meant(a_timeline: Any, matchers: tuple[str, ...], said: str) -> None:
    timeline = a_timeline(DOWN, SLOW | {"services": ["frontend"]})
    outcome = tell(timeline, OperatorActionKind.SILENCE, matchers=matchers, until=timeline.now + timedelta(hours=1))
    assert outcome == f"refused: it would silence nothing: {said}"


def test_a_silence_can_be_ended(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    tell(timeline, OperatorActionKind.SILENCE, matchers=("group=*",), until=timeline.now + timedelta(hours=1))
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    assert timeline.said() == []
    assert tell(timeline, OperatorActionKind.END_SILENCE, silence_id=1) == "silence 1 is over"
    timeline.pass_minutes(0.5, doc_store=BAD)
    assert timeline.said() == [("firing", "doc_store")]
    assert str(tell(timeline, OperatorActionKind.END_SILENCE, silence_id=1)).startswith("refused")


def test_the_notifier_is_woken_by_an_alert_and_its_end_though_there_is_no_message(a_timeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr("healthmon.processes.evaluator.ring", lambda path: rung.append(path.name))
    timeline = a_timeline(SLOW, alerting={})
    timeline.pass_minutes(5)
    assert "notifier" not in "".join(rung)
    for response_time_s, status in ((2.0, "firing"), (0.01, "resolved")):
        rung.clear()
        timeline.pass_minutes(0.5, response_time_s=response_time_s)
        assert timeline.alerts(status) == ["doc_store slow"]
        assert "notifier" in "".join(rung)
