"""What a person reads at three in the morning: the title decides, the text begins, and nothing of outside has force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from healthmon.model.alert import AlertSeverity
from healthmon.model.notification import Affected, Notification, NotificationKind
from healthmon.notify import wording
from healthmon.notify.message import MAX_BODY_CHARS, render
from healthmon.notify.titles import MAX_TITLE_CHARS
from tests.builders import NOW, a_notification, ago

KIND = NotificationKind


def several(count: int, kind: NotificationKind = KIND.FIRING, **changes: object) -> Notification:
    one = a_notification(kind, **changes).affected[0]
    affected = tuple(replace(one, service=f"service_{number}", conversation_id=number + 1) for number in range(count))
    return replace(a_notification(kind), affected=affected)


VALUES = (("status", "unhealthy"), ("consecutive_failures", "5"))
BACK = a_notification(KIND.RESOLVED, started_at=ago(600), resolved_at=NOW, healing="restarted once")
SLOW = a_notification(alert_types=("high_response_time",), severity=AlertSeverity.WARNING)
SLOW_BACK = a_notification(KIND.RESOLVED, alert_types=("high_response_time",), started_at=ago(90), resolved_at=NOW, healing="")
TITLES = [
    (a_notification(), "[CRITICAL] doc_store is down on web-1"),
    (BACK, "[RESOLVED] doc_store is back on web-1 after 10 min, restarted once"),
    (SLOW, "[WARNING] doc_store on web-1: high response time"),
    (SLOW_BACK, "[RESOLVED] doc_store on web-1: high response time is over after 90 s"),
    (a_notification(KIND.FLAPPING), "[CRITICAL] doc_store comes and goes on web-1: flapping"),
    (several(2, KIND.FLAPPING), "[CRITICAL] 2 services come and go on web-1: service_0, service_1"),
    (a_notification(KIND.REMINDER, started_at=ago(15_000)), "[CRITICAL] doc_store is still down on web-1, for 4 h 10 min"),
    (a_notification(KIND.WORSENED), "[CRITICAL] doc_store is down on web-1: worse than before"),
    (a_notification(KIND.WORSENED, news="restarts did not help"), "[CRITICAL] doc_store is down on web-1: restarts did not help"),
    (several(2, KIND.WORSENED, news="now critical"), "[CRITICAL] 2 services are down on web-1: service_0, service_1: now critical"),
    (a_notification(KIND.ESCALATED, started_at=ago(900)), "[CRITICAL] nobody has acknowledged: doc_store is still down on web-1, for 15 min"),
    (a_notification(KIND.REMOVED, removed="it is gone", resolved_at=NOW), "[REMOVED] doc_store on web-1 is not told of any more: down when last seen"),
    (several(2, KIND.REMOVED, removed="gone", resolved_at=NOW), "[REMOVED] 2 services on web-1 are not told of any more: service_0, service_1"),
    (a_notification(KIND.EVENT, alert_types=("service_recovery",), severity=AlertSeverity.INFO), "[INFO] doc_store on web-1: service recovery"),
    (several(2), "[CRITICAL] 2 services are down on web-1: service_0, service_1"),
    (several(12), "[CRITICAL] 12 services are down on web-1: service_0, service_1, service_2, service_3, service_4, …"),
    (several(3, alert_types=("low_uptime",)), "[CRITICAL] 3 services have problems on web-1: service_0, service_1, service_2"),
    (several(2, KIND.RESOLVED, resolved_at=NOW), "[RESOLVED] 2 services are back on web-1: service_0, service_1"),
    (a_notification(KIND.UNDELIVERED, facts=(("channel", "email"),)), "[CRITICAL] email did not deliver a message about doc_store on web-1"),
    (a_notification(because_of="redis exited with code 137"), "[CRITICAL] redis exited with code 137 on web-1: doc_store, analysis_service are down"),
    (a_notification(because_of="redis is paused", dependents=()), "[CRITICAL] redis is paused on web-1: doc_store is down"),
    (
        a_notification(KIND.REMINDER, because_of="redis is paused", started_at=ago(15_000)),
        "[CRITICAL] redis is paused on web-1: doc_store, analysis_service are still down, for 4 h 10 min",
    ),
    (replace(a_notification(KIND.TEST), affected=()), "[TEST] healthmon on web-1 can reach you here"),
]


@pytest.mark.parametrize(("message", "title"), TITLES)
def test_the_title_says_what_where_and_how_bad(message: Notification, title: str) -> None:
    assert render(message, now=NOW).title == title


def test_the_text_says_what_failed_since_when_why_and_what_is_done() -> None:
    assert render(a_notification(values=VALUES), now=NOW).body.splitlines() == [
        "doc_store (critical service, group core) is down.",
        "What: doc_store is unhealthy: expected 200, got 500 Internal Server Error",
        "When: since 2026-11-22 11:58:00 UTC (2 min)",
        "Container: running since 10:30, 2 restarts",
        "Image: unchanged",
        "Values: consecutive_failures = 5",
        "Healing: restart planned",
        "Also ill because of it: analysis_service",
        "Runbook: https://wiki.example.com/doc_store",
        "Alert: #7 service_down, critical_service_down",
        "",
        "Seen it? `healthmon alerts ack doc_store` on web-1 stops reminders.",
        "-- healthmon on web-1",
    ]


def test_what_is_over_or_was_never_to_be_acknowledged_does_not_ask_for_it() -> None:
    for kind in (KIND.RESOLVED, KIND.REMOVED, KIND.EVENT, KIND.UNDELIVERED):
        assert "Seen it?" not in render(a_notification(kind), now=NOW).body
    assert "Seen it? `healthmon alerts ack SERVICE` on web-1" in render(several(2), now=NOW).body


def test_what_was_short_is_told_to_the_second() -> None:
    body = render(a_notification(KIND.RESOLVED, started_at=ago(22), resolved_at=NOW), now=NOW).body
    assert "Down: 2026-11-22 11:59:38-12:00:00 UTC (22 s)" in body


def test_an_escalation_says_why_it_comes_to_you() -> None:
    assert render(a_notification(KIND.ESCALATED), now=NOW).body.startswith("Nobody has acknowledged this since it was told first")


def test_a_late_message_says_so_and_when_it_was() -> None:
    body = render(BACK, now=NOW + timedelta(minutes=21)).body
    assert "Down: 2026-11-22 11:50-12:00 UTC (10 min)" in body
    assert "Delivered late: this is of 2026-11-22 12:00:00 UTC, sent 21 min later." in body
    assert "Delivered late" not in render(BACK, now=NOW + timedelta(seconds=5)).body


def test_a_possible_repeat_says_so() -> None:
    assert "Possible repeat" in render(a_notification(), now=NOW, possible_repeat=True).body
    assert "Possible repeat" not in render(a_notification(), now=NOW).body


def test_fifty_services_fit_on_one_screen_the_first_ten_in_full() -> None:
    rendered = render(several(50), now=NOW)
    assert rendered.body.count("\n  doc_store is unhealthy") == 10
    assert "And 40 more: service_10, service_11" in rendered.body
    assert len(rendered.body) <= MAX_BODY_CHARS


@pytest.mark.parametrize("count", [1, 2, 5_000])
def test_however_many_and_long_the_texts_are_they_fit_and_keep_the_footer(count: int) -> None:
    pairs = tuple(("f" * 300, "v" * 900) for _ in range(50))
    long = several(count, message="m" * 9_000, healing="h" * 900, facts=pairs, values=pairs, links=pairs, dependents=("d" * 99,) * 99)
    long = replace(long, affected=tuple(replace(one, service=one.service + "s" * 400) for one in long.affected))
    rendered = render(long, now=NOW + timedelta(days=4), possible_repeat=True)
    assert len(rendered.body) <= MAX_BODY_CHARS
    assert len(rendered.title) <= MAX_TITLE_CHARS
    assert rendered.body.endswith("-- healthmon on web-1")


def test_what_matters_most_comes_first() -> None:
    one = a_notification().affected[0]
    warning = replace(one, service="slow", severity=AlertSeverity.WARNING)
    message = replace(a_notification(), affected=(warning, replace(one, service="spare", critical=False), one))
    assert render(message, now=NOW).title.endswith(": doc_store, spare, slow")


HOSTILE = "x\r\nBcc: all@example.com\x1b[31m\u202e\u2028 <!channel> & *b*"


@pytest.mark.parametrize("field", ["service", "group", "message", "healing"])
@pytest.mark.parametrize("count", [1, 2])
def test_no_text_of_outside_adds_a_line_or_a_control_character(field: str, count: int) -> None:
    def filled(text: str) -> Notification:
        affected: tuple[Affected, ...] = tuple(replace(one, **{field: text}) for one in several(count).affected)  # type: ignore[arg-type]
        return replace(several(count), affected=affected)

    hostile, plain = render(filled(HOSTILE), now=NOW), render(filled("x"), now=NOW)
    assert len(hostile.title.splitlines()) == 1
    assert len(hostile.body.splitlines()) == len(plain.body.splitlines())
    assert hostile.body.replace("\n", "").isprintable()
    assert hostile.title.isprintable()


def test_names_and_values_of_facts_add_no_line_either() -> None:
    hostile = a_notification(facts=((HOSTILE, HOSTILE),), values=((HOSTILE, HOSTILE),), links=((HOSTILE, HOSTILE),), dependents=(HOSTILE,))
    plain = a_notification(facts=(("x", "x"),), values=(("x", "x"),), links=(("x", "x"),), dependents=("x",))
    assert len(render(hostile, now=NOW).body.splitlines()) == len(render(plain, now=NOW).body.splitlines())


def test_a_chats_own_signs_lose_their_force_and_stay_readable() -> None:
    disarmed = wording.without_mentions("@everyone @here <!channel> <@U123> [click](http://evil) a@b.org")
    for sign in ("@everyone", "@here", "<!", "<@", "]("):
        assert sign not in disarmed
    assert disarmed.replace("\u200b", "") == "@everyone @here <!channel> <@U123> [click](http://evil) a@b.org"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (0.4, "0 s"), (119, "119 s"), (120, "2 min"), (3_600, "1 h"), (7_500, "2 h 5 min"), (86_400, "1 d"), (273_600, "3 d 4 h")],
)
def test_lengths_are_said_in_the_units_that_matter(seconds: float, said: str) -> None:
    assert wording.length(timedelta(seconds=seconds)) == said


def test_a_rule_with_down_in_its_name_takes_no_service_down() -> None:
    slow = a_notification(alert_types=("slowdown",), is_outage=False)
    assert render(slow, now=NOW).title == "[CRITICAL] doc_store on web-1: slowdown"


def test_what_was_taken_out_is_not_said_to_have_ended() -> None:
    body = render(a_notification(KIND.REMOVED, removed="the configuration does not have it any more", started_at=ago(600), resolved_at=NOW), now=NOW).body
    assert "When: since 2026-11-22 11:50:00 UTC, and taken out 10 min later" in body
    assert "not seen to end" in body
    assert "is back" not in body


def test_several_services_are_told_without_what_only_the_full_text_needs() -> None:
    facts = (("asked", "http://localhost:1/"), ("last healthy", "long ago"), ("container", "gone"))
    body = render(several(2, facts=facts, healing="knows nothing to restart"), now=NOW).body
    assert "container gone" in body
    assert "asked" not in body
    assert "long ago" not in body


def test_healthmon_itself_is_called_no_service() -> None:
    ours = a_notification(service="healthmon", group="healthmon", alert_types=("pages_not_served",), conversation_id=0)
    assert render(ours, now=NOW).body.startswith("healthmon itself: pages not served.")
