"""From looks to alerts to messages: the evaluator on a real database, on a timeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.container_dependency import ContainerDependency
from healthmon.model.forensics import Forensics
from healthmon.model.notification import Notification, NotificationKind
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.rules.defaults import DEFAULT_RULES
from healthmon.store import container_dependencies, forensics, incidents, operator_actions, outbox
from tests.builders import NOW
from tests.processes.evaluator_world import BAD, GOOD, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEBHOOK = {"webhook_notifications": {"enabled": True, "url": "http://127.0.0.1:1/"}}
DEFAULTS = [rule.model_dump(mode="json", exclude_defaults=True) for rule in DEFAULT_RULES]
DOWN = {"name": "down", "condition": "unhealthy", "severity": "critical"}
SLOW = {"name": "slow", "condition": "response_time > 1", "severity": "warning"}
AT_ONCE = {"wait_seconds": 0, "interval_seconds": 0, "repeat_seconds": 0}


class Timeline(World):
    """Looks at both services every 30 s, and reads what was queued for people."""

    def pass_minutes(self, minutes: float, *, doc_store: CheckReason = GOOD, frontend: CheckReason = GOOD, response_time_s: float = 0.01) -> None:
        for _ in range(round(minutes * 2)):
            for _ in range(2):
                self.now += timedelta(seconds=14)
                self.step()
            self.look(doc_store, response_time_s=response_time_s)
            for reason, service_id in ((doc_store, 1), (frontend, 2)):
                if reason is BAD:
                    self.look(BAD, CheckKind.RECHECK, service_id=service_id)
                    self.look(BAD, CheckKind.RECHECK, service_id=service_id)
            self.look(frontend, service_id=2)
            self.step()

    def messages(self) -> list[Notification]:
        rows = self.connection.rows("SELECT notification_id FROM notifications ORDER BY notification_id")
        return [outbox.notification(self.connection, int(str(row[0]))) for row in rows]

    def said(self) -> list[tuple[str, str]]:
        """Return the kind of each message, and the services in it."""
        return [(one.kind.value, " ".join(affected.service for affected in one.affected)) for one in self.messages()]

    def alerts(self, status: str) -> list[str]:
        rows = self.connection.rows("SELECT service_name || ' ' || alert_type FROM alerts WHERE status = ? ORDER BY 1", status)
        return [str(row[0]) for row in rows]


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: list[Timeline] = []

    def make(*rules: dict[str, Any], grouping: dict[str, Any] | None = None, **settings: Any) -> Timeline:
        alerting = WEBHOOK | ({} if grouping is None else {"grouping": grouping})
        everything = {"alert_rules": list(rules), "alerting": alerting, "max_consecutive_failures": 1_000} | settings
        timeline = Timeline(tmp_path, settings=everything, enabled=False)
        timeline.set_clocks(monkeypatch)
        clocks = {"interval_seconds": 30.0, "timeout_seconds": 10.0, "retry_interval_seconds": 2.0}
        services = tuple(service.model_copy(update=clocks) for service in timeline.config.services)
        timeline.config = timeline.config.model_copy(update={"services": services})
        timeline.evaluator = timeline.a_new_evaluator()
        made.append(timeline)
        return timeline

    yield make
    for timeline in made:
        timeline.connection.close()


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


def test_a_rule_that_is_gone_leaves_no_alert_behind(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE)
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    timeline.config = timeline.config.model_copy(update={"alert_rules": ()})
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.step()
    assert timeline.alerts("firing") == []


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


def tell(timeline: Timeline, kind: OperatorActionKind, **changes: Any) -> str | None:
    """Have a person say something, and return what came of it."""
    action = OperatorAction(kind=kind, made_at=timeline.now, author="ada", reason="seen", **changes)
    action_id = operator_actions.add(timeline.connection, action)
    timeline.step()
    return operator_actions.outcome(timeline.connection, action_id)


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
    assert str(outcome).startswith("silence 1 holds until ")
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


# Containers that nobody watches


def redis(sid: int, trouble: str) -> ContainerDependency:
    return ContainerDependency(service_id=sid, name="redis", container="proj-redis-1", watched_by=None, trouble=trouble, since=NOW if trouble else None)


def declare(timeline: Timeline, *found: ContainerDependency) -> None:
    """Publish what the healer would have seen."""
    dated = [replace(one, since=timeline.now if one.trouble else None) for one in found]
    with timeline.connection.transaction(durable=False):
        container_dependencies.publish(timeline.connection, dated, now=timeline.now)


def test_services_that_need_a_stopped_container_are_one_message_that_names_it(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    declare(timeline, redis(1, "exited with code 137, killed"), redis(2, "exited with code 137, killed"))
    timeline.pass_minutes(10, doc_store=BAD, frontend=BAD)
    [message] = timeline.messages()
    [told] = message.affected
    assert (told.service, told.dependents, told.because_of) == ("doc_store", ("frontend",), "redis exited with code 137, killed")
    assert told.facts[0] == ("because of", "redis (container proj-redis-1, not monitored) exited with code 137, killed")
    declare(timeline, redis(1, ""), redis(2, ""))
    timeline.pass_minutes(10)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]
    assert ("it was because of", "redis exited with code 137, killed") in timeline.messages()[1].affected[0].facts


def test_who_stays_ill_after_the_container_is_back_is_told(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    declare(timeline, redis(1, "is paused"), redis(2, "is paused"))
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    declare(timeline, redis(1, ""), redis(2, ""))
    timeline.pass_minutes(5, frontend=BAD)
    firing = [message for message in timeline.messages() if message.kind is NotificationKind.FIRING]
    assert [(one.affected[0].service, one.affected[0].because_of) for one in firing] == [("doc_store", "redis is paused"), ("frontend", "")]


def test_a_container_without_which_a_service_was_well_for_long_is_not_named(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    declare(timeline, redis(1, "is paused"))
    timeline.pass_minutes(15)
    timeline.pass_minutes(5, doc_store=BAD)
    [message] = timeline.messages()
    assert message.affected[0].because_of == ""


def test_a_dependency_by_compose_counts_like_a_configured_one(a_timeline: Any) -> None:
    """The configuration says that the frontend depends on doc_store: a circle by Compose does no harm."""
    timeline = a_timeline(DOWN, {"name": "innocent", "condition": "dependency_unhealthy", "severity": "info"})
    by_compose = ContainerDependency(service_id=1, name="frontend", container="f", watched_by=2, trouble="")
    declare(timeline, by_compose)
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, frontend=BAD)
    assert timeline.alerts("resolved") == ["doc_store innocent"]
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    assert {kind for kind, _ in timeline.said()} == {"firing"}


def test_what_the_container_said_last_is_told_while_it_is_down(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    timeline.pass_minutes(0.5, doc_store=BAD)
    [incident] = incidents.open_incidents(timeline.connection)
    lines = ("connecting", "panic: no memory")
    forensics.keep(timeline.connection, Forensics(incident_id=incident.incident_id, taken_at=NOW, target_id="c", last_lines=lines))
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.pass_minutes(5)
    firing, resolved = timeline.messages()
    assert ("last log lines", "connecting | panic: no memory") in firing.affected[0].facts
    assert "last log lines" not in dict(resolved.affected[0].facts)
