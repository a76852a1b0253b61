"""From the alerts that stand to what an Alertmanager reads: one identity from first to last, and times that it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from healthmon import clock
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.conversation import Conversation
from healthmon.model.service import Service
from healthmon.model.silence import Silence
from healthmon.notify import alertmanager_batch
from healthmon.notify.alertmanager_batch import Entry, Standing, batches
from tests.builders import NOW, ago, an_incident

LASTS = timedelta(minutes=4)
SERVICES = {
    1: Service(service_id=1, name="doc_store", group="core", critical=True),
    2: Service(service_id=2, name="frontend", group="platform", critical=False),
}


def an_alert(**changes: Any) -> Alert:
    facts: dict[str, Any] = {
        "service_id": 1,
        "alert_type": "service_down",
        "severity": AlertSeverity.CRITICAL,
        "message": "doc_store: service_down: status is unhealthy",
        "triggered_at": ago(60),
        "values": (("status", "unhealthy"),),
        "alert_id": 7,
    }
    return Alert(**facts | changes)


def standing(*alerts: Alert, **changes: Any) -> Standing:
    facts: dict[str, Any] = {
        "now": NOW,
        "host": "web-1",
        "alerts": alerts,
        "services": SERVICES,
        "conversations": {},
        "incidents": {},
        "silences": (),
        "runbooks": {},
    }
    return Standing(**facts | changes)


def entries(*alerts: Alert, **changes: Any) -> list[Entry]:
    return [entry for batch in batches(standing(*alerts, **changes), lasts=LASTS) for entry in batch]


def a_conversation(**changes: Any) -> Conversation:
    facts: dict[str, Any] = {
        "conversation_id": 1,
        "service_id": 1,
        "severity": AlertSeverity.CRITICAL,
        "opened_at": ago(60),
        "started_at": ago(60),
        "alert_id": 7,
        "alert_types": ("service_down",),
    }
    return Conversation(**facts | changes)


def a_silence(*matchers: str) -> Silence:
    return Silence(silence_id=1, matchers=matchers, starts_at=ago(10), ends_at=NOW + timedelta(hours=1), author="ann", reason="move")


def test_an_alert_that_fires_is_extended_by_each_post() -> None:
    [entry] = entries(an_alert())
    assert entry == {
        "labels": {
            "alertname": "service_down",
            "service": "doc_store",
            "group": "core",
            "severity": "critical",
            "instance": "web-1",
            "job": "healthmon",
            "critical": "true",
        },
        "annotations": {
            "summary": "doc_store on web-1: service down",
            "description": "doc_store: service_down: status is unhealthy",
            "values": "status = unhealthy",
        },
        "startsAt": "2026-11-22T11:59:00Z",
        "endsAt": "2026-11-22T12:04:00Z",
    }
    [later] = entries(an_alert(), now=NOW + timedelta(minutes=1))
    assert (later["startsAt"], later["endsAt"]) == ("2026-11-22T11:59:00Z", "2026-11-22T12:05:00Z")


VOLATILE: list[dict[str, Any]] = [
    {"alerts": (an_alert(resolved_at=NOW),)},
    {"alerts": (an_alert(message="doc_store: another word", values=()),)},
    {"incidents": {1: an_incident(healing="restart 2 of 3")}},
    {"conversations": {1: a_conversation(acknowledged_at=ago(5), acknowledged_by="ann", root_service_id=2)}},
    {"silences": (a_silence("service=doc_*"),)},
    {"runbooks": {"doc_store": "https://wiki.example.com/"}},
    {"now": NOW + timedelta(days=3)},
]


@pytest.mark.parametrize("changes", VOLATILE)
def test_whatever_changes_while_it_lasts_is_no_part_of_its_identity(changes: dict[str, Any]) -> None:
    [before] = entries(an_alert())
    [after] = entries(**{"alerts": (an_alert(),)} | changes)
    assert after["labels"] == before["labels"]
    assert after != before


TIMES = [
    pytest.param({"resolved_at": ago(9)}, ago(60), ago(9), id="over"),
    pytest.param({"resolved_at": NOW + timedelta(hours=1)}, ago(60), NOW, id="over in what is the future, since the clock was set back"),
    pytest.param({"resolved_at": ago(90)}, ago(90), ago(90), id="over before it began, by a clock that was set back between"),
    pytest.param({"triggered_at": NOW + timedelta(hours=1)}, NOW, NOW + LASTS, id="fires, and the clock was set back since"),
    pytest.param({"resolved_at": ago(60)}, ago(60), ago(60) + timedelta(minutes=5), id="a moment"),
    pytest.param(
        {"triggered_at": NOW + timedelta(hours=1), "resolved_at": NOW + timedelta(hours=1)},
        NOW,
        NOW + timedelta(minutes=5),
        id="a moment, and the clock was set back since",
    ),
]


@pytest.mark.parametrize(("changes", "starts_at", "ends_at"), TIMES)
def test_no_alert_begins_after_it_ends_nor_ends_later_than_it_did(changes: dict[str, Any], starts_at: datetime, ends_at: datetime) -> None:
    [entry] = entries(an_alert(**changes))
    assert (entry["startsAt"], entry["endsAt"]) == (clock.to_iso(starts_at), clock.to_iso(ends_at))


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_alerts_with_one_identity_only_the_one_that_fires_is_posted(order: int) -> None:
    earlier, present = an_alert(alert_id=6, triggered_at=ago(600), resolved_at=ago(300)), an_alert(alert_id=7)
    [entry] = entries(*(earlier, present)[::order])
    assert entry["endsAt"] == "2026-11-22T12:04:00Z"


def test_of_two_that_are_over_the_later_counts() -> None:
    earlier = an_alert(alert_id=6, triggered_at=ago(600), resolved_at=ago(300))
    [entry] = entries(an_alert(resolved_at=ago(5)), earlier)
    assert entry["endsAt"] == "2026-11-22T11:59:55Z"


def test_each_service_and_rule_is_an_alert_of_its_own_and_no_event_is_one() -> None:
    others = [
        an_alert(alert_id=8, alert_type="slow", severity=AlertSeverity.WARNING),
        an_alert(alert_id=9, service_id=2),
        an_alert(alert_id=10, severity=AlertSeverity.INFO, resolved_at=ago(60)),
        an_alert(alert_id=11, severity=AlertSeverity.WARNING),
    ]
    found = [(entry["labels"]["service"], entry["labels"]["alertname"], entry["labels"]["severity"]) for entry in entries(an_alert(), *others)]
    assert found == [
        ("doc_store", "service_down", "critical"),
        ("doc_store", "slow", "warning"),
        ("frontend", "service_down", "critical"),
        ("doc_store", "service_down", "warning"),
    ]


def test_what_is_about_ourselves_has_our_name() -> None:
    [entry] = entries(an_alert(service_id=None, alert_type="history_lost"))
    labels = entry["labels"]
    assert (labels["service"], labels["group"], labels["critical"]) == ("healthmon", "healthmon", "false")


def test_labels_are_any_text_without_what_controls_a_terminal() -> None:
    services = {1: Service(service_id=1, name='Dök "Störe" 🚒 a=b,{c}\x1b[31m\u202e\n', group="core", critical=True)}
    [entry] = entries(an_alert(message="a\nb\x00c" + "d" * 2_000), services=services)
    assert entry["labels"]["service"] == 'Dök "Störe" 🚒 a=b,{c} [31m  '
    assert entry["annotations"]["description"].startswith("a b c")
    assert len(entry["annotations"]["description"]) == 1_000


def test_what_people_know_is_said_beside_it_and_withholds_nothing() -> None:
    told = a_conversation(acknowledged_at=ago(5), acknowledged_by="ann", acknowledgement="on it", root_service_id=2)
    [entry] = entries(
        an_alert(),
        conversations={1: told},
        incidents={1: an_incident(error_message="expected 200, got 500", healing="restart 2 of 3 in 5 min")},
        silences=(a_silence("service=frontend"), a_silence("service=doc_*", "severity=critical")),
        runbooks={"doc_store": "https://wiki.example.com/doc_store"},
    )
    said = {name: text for name, text in entry["annotations"].items() if name not in {"summary", "description", "values"}}
    assert said == {
        "runbook_url": "https://wiki.example.com/doc_store",
        "error": "expected 200, got 500",
        "healing": "restart 2 of 3 in 5 min",
        "root_cause": "frontend",
        "acknowledged": "by ann: on it",
        "silenced": "until 2026-11-22 13:00:00 UTC by ann: move",
    }


def test_an_acknowledgement_that_has_run_out_is_not_said() -> None:
    told = a_conversation(acknowledged_at=ago(50), acknowledged_by="ann", acknowledged_until=ago(1))
    [entry] = entries(an_alert(), conversations={1: told})
    assert "acknowledged" not in entry["annotations"]


@pytest.mark.parametrize(("alerts", "sizes"), [(0, [0]), (1, [1]), (256, [256]), (257, [256, 1]), (600, [256, 256, 88])])
def test_a_request_holds_so_many_and_there_is_always_one(alerts: int, sizes: list[int]) -> None:
    many = (an_alert(alert_id=number, alert_type=f"rule {number}") for number in range(alerts))
    assert [len(batch) for batch in batches(standing(*many), lasts=LASTS)] == sizes


def test_as_a_message_it_says_what_fires() -> None:
    over = an_alert(alert_id=6, service_id=2, resolved_at=ago(1))
    told = alertmanager_batch.message(standing(over, replace(an_alert(), severity=AlertSeverity.WARNING), an_alert(alert_id=9, alert_type="x")))
    assert told is not None
    assert (told.severity, [one.alert_types for one in told.affected]) == (AlertSeverity.CRITICAL, [("service_down",), ("x",)])
    assert alertmanager_batch.message(standing(over)) is None
