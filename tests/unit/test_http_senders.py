"""The webhook and Slack against receivers on real sockets: what they get, and what their answers come to."""

from __future__ import annotations

import hashlib
import hmac
import socket
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from healthmon.model.delivery import SendStatus
from healthmon.model.notification import NotificationKind
from healthmon.notify import http_post, payloads, slack_sender, webhook_sender
from healthmon.notify.envelope import Envelope, enclose
from healthmon.notify.settings import SlackSettings, WebhookSettings
from tests.builders import NOW, a_notification
from tests.hostile import Server, hangs_up, is_silent, resets
from tests.receivers import Answer, Receiver


def letter(**changes: Any) -> Envelope:
    return enclose(replace(a_notification(), notification_id=42, **changes), at=NOW, possible_repeat=False)


def hook(url: str, **changes: Any) -> WebhookSettings:
    return WebhookSettings(enabled=True, url=SecretStr(url), **changes)


def test_the_document_has_the_names_that_were_promised() -> None:
    with Receiver() as receiver:
        result = webhook_sender.send(letter(), hook(receiver.url, headers={"Authorization": SecretStr("Bearer t")}))
    assert (result.status, result.detail) == (SendStatus.SENT, "200 OK")
    [request] = receiver.requests
    document = request.document
    assert {name: document[name] for name in ("event", "service", "severity", "timestamp", "alert_id", "status")} == {
        "event": "firing",
        "service": "doc_store",
        "severity": "critical",
        "timestamp": "2026-11-22T12:00:00Z",
        "alert_id": 7,
        "status": "firing",
    }
    assert document["values"] == {"status": "unhealthy"}
    assert document["links"] == {"runbook": "https://wiki.example.com/doc_store"}
    assert [one["service"] for one in document["services"]] == ["doc_store"]
    assert (document["host"], document["notification_id"], document["title"]) == ("web-1", 42, "[CRITICAL] doc_store is down on web-1")
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers["Content-Type"] == "application/json"
    assert request.key == document["idempotency_key"] == "web-1-42-1795348800000"


def test_a_repeat_carries_the_same_key_and_says_so() -> None:
    first, second = letter(), enclose(letter().notification, at=NOW + timedelta(minutes=9), possible_repeat=True)
    assert first.key == second.key
    document = payloads.ours(second)
    assert (document["possible_repeat"], document["delivered_late"]) == (True, True)


def test_a_signature_covers_time_and_body() -> None:
    with Receiver() as receiver:
        webhook_sender.send(letter(), hook(receiver.url, hmac_secret=SecretStr("key")))
    [request] = receiver.requests
    timestamp = request.headers["X-Healthmon-Timestamp"]
    expected = hmac.new(b"key", timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Healthmon-Signature"] == f"sha256={expected}"


def test_the_users_headers_replace_ours_but_cannot_break_the_request() -> None:
    theirs = {"content-type": SecretStr("application/x"), "Content-Length": SecretStr("3"), "Idempotency-Key": SecretStr("x")}
    with Receiver() as receiver:
        assert webhook_sender.send(letter(), hook(receiver.url, headers=theirs)).status is SendStatus.SENT
    [request] = receiver.requests
    assert (request.headers["Content-Type"], request.key, request.document["event"]) == ("application/x", "web-1-42-1795348800000", "firing")


def test_user_and_password_of_the_url_are_sent_as_such() -> None:
    with Receiver() as receiver:
        webhook_sender.send(letter(), hook(receiver.url.replace("//", "//u:p%21@")))
    assert receiver.requests[0].headers["Authorization"] == "Basic dTpwIQ=="


def test_datadogs_events_api_gets_what_it_reads() -> None:
    with Receiver() as receiver:
        webhook_sender.send(letter(), hook(receiver.url, template="datadog"))
    document = receiver.requests[0].document
    assert document["title"] == "[CRITICAL] doc_store is down on web-1"
    assert (document["alert_type"], document["priority"], document["date_happened"]) == ("error", "normal", 1_795_348_800)
    assert document["tags"] == ["source:healthmon", "event:firing", "severity:critical", "group:core", "service:doc_store"]
    assert document["aggregation_key"] == "healthmon-web-1-doc_store"


def test_datadog_gets_no_event_that_it_would_refuse_as_too_old() -> None:
    old = enclose(replace(a_notification(), created_at=NOW - timedelta(hours=23)), at=NOW, possible_repeat=False)
    assert payloads.datadog(old)["date_happened"] > (NOW - timedelta(hours=18)).timestamp()


ANSWERS = [
    (Answer(status=204, body=b""), SendStatus.SENT, None),
    (Answer(status=503), SendStatus.FAILED, None),
    (Answer(status=500, headers={"Retry-After": "7"}), SendStatus.FAILED, 7.0),
    (Answer(status=429, headers={"Retry-After": "120"}), SendStatus.FAILED, 120.0),
    (Answer(status=429, headers={"Retry-After": "soon"}), SendStatus.FAILED, None),
    (Answer(status=408), SendStatus.FAILED, None),
    (Answer(status=425), SendStatus.FAILED, None),
    (Answer(status=400), SendStatus.REFUSED, None),
    (Answer(status=404), SendStatus.REFUSED, None),
    (Answer(status=302, headers={"Location": "https://u:p@x.org/a?token=t"}), SendStatus.REFUSED, None),
]


@pytest.mark.parametrize(("answer", "status", "retry_after_s"), ANSWERS)
def test_the_status_line_is_the_proof(answer: Answer, status: SendStatus, retry_after_s: float | None) -> None:
    with Receiver(answer=answer) as receiver:
        result = webhook_sender.send(letter(), hook(receiver.url))
    assert (result.status, result.retry_after_s) == (status, retry_after_s)
    assert result.detail.startswith(str(answer.status))
    assert len(receiver.requests) == 1


def test_a_redirect_is_not_followed_and_says_where_it_leads_without_its_secrets() -> None:
    with Receiver() as other, Receiver(answer=Answer(status=307, headers={"Location": f"{other.url}?token=t"})) as receiver:
        result = webhook_sender.send(letter(), hook(receiver.url))
    assert other.requests == []
    assert f"redirects to {other.url}?…, which is not followed" in result.detail


RETRY_AFTERS = [
    ("120", 120.0),
    (" 5 ", 5.0),
    ("0", 1.0),
    ("1000000000", 3_600.0),
    (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
    (format_datetime(NOW - timedelta(hours=1), usegmt=True), 1.0),
    ("", None),
    ("-5", None),
    ("1e9", None),
    ("9" * 400, None),
    ("Sun, 99 Nov 2026 99:00:00 GMT", None),
    ("tomorrow", None),
]


@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTERS)
def test_retry_after_is_seconds_or_a_date_within_reason_or_nothing(text: str, seconds: float | None) -> None:
    assert http_post.retry_after_s(text, NOW) == seconds


def test_nobody_there_is_a_failure_and_never_a_possible_repeat() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    result = webhook_sender.send(letter(), hook(f"http://127.0.0.1:{port}/secret-path-1"))
    assert (result.status, result.detail) == (SendStatus.FAILED, "no connection: Connection refused")
    lost = webhook_sender.send(letter(), hook("http://no-such-host.invalid/secret-path-1"))
    assert lost.status is SendStatus.FAILED
    assert "secret" not in lost.detail


@pytest.mark.parametrize("handle", [resets, hangs_up])
def test_who_takes_the_request_and_breaks_off_may_have_it(handle: Any) -> None:
    with Server(handle) as server:
        result = webhook_sender.send(letter(), hook(server.url))
    assert result.status is SendStatus.UNKNOWN
    assert result.detail.startswith("no answer: ")


def test_who_never_answers_may_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_post, "READ_TIMEOUT_S", 0.2)
    with Server(is_silent) as server:
        assert webhook_sender.send(letter(), hook(server.url)).status is SendStatus.UNKNOWN


def test_https_to_who_speaks_none_is_a_failure() -> None:
    with Receiver() as receiver:
        result = webhook_sender.send(letter(), hook(receiver.url.replace("http:", "https:")))
    assert result.status is SendStatus.FAILED


def test_a_refusal_keeps_the_beginning_of_what_was_said() -> None:
    with Receiver(answer=Answer(status=403, body=b"invalid\r\ntoken " + b"x" * 100_000)) as receiver:
        detail = webhook_sender.send(letter(), hook(receiver.url)).detail
    assert detail.startswith("403 Forbidden invalid token xxx")
    assert len(detail) < 300


def slack(url: str, **changes: Any) -> SlackSettings:
    return SlackSettings(enabled=True, webhook_url=SecretStr(url), **changes)


def test_slack_gets_channel_name_and_colour() -> None:
    with Receiver() as receiver:
        result = slack_sender.send(letter(), slack(receiver.url, channel="#infrastructure-alerts", username="Health Monitor"))
    assert (result.status, result.detail) == (SendStatus.SENT, "200 OK")
    document = receiver.requests[0].document
    assert (document["channel"], document["username"]) == ("#infrastructure-alerts", "Health Monitor")
    assert document["text"] == "[CRITICAL] doc_store is down on web-1"
    [attachment] = document["attachments"]
    assert attachment["color"] == payloads.SEVERITY_COLOURS[letter().notification.severity]
    assert "Container: running since 10:30" in attachment["text"]
    back = enclose(a_notification(NotificationKind.RESOLVED, resolved_at=NOW), at=NOW, possible_repeat=False)
    assert payloads.slack(back, slack("http://x"))["attachments"][0]["color"] == payloads.GOOD_COLOUR


def test_what_is_not_chosen_is_left_to_the_webhook() -> None:
    assert {"channel", "username"} & set(payloads.slack(letter(), slack("http://x"))) == set()


def test_nothing_of_outside_acts_in_a_chat() -> None:
    hostile = "<!channel> <https://evil|fine> @everyone *b* & [click](http://evil)"
    told = enclose(a_notification(service=hostile, message=hostile), at=NOW, possible_repeat=False)
    document = payloads.slack(told, slack("http://x"))
    assert document["mrkdwn"] is False
    for text in (document["text"], document["attachments"][0]["text"]):
        assert "<" not in text
        assert "@everyone" not in text
        assert "](" not in text
        assert "&amp;" in text
    assert document["attachments"][0]["mrkdwn_in"] == []


def test_slacks_own_refusals_and_pacing_are_understood() -> None:
    with Receiver(answer=Answer(status=404, body=b"no_service")) as receiver:
        assert slack_sender.send(letter(), slack(receiver.url)).status is SendStatus.REFUSED
        receiver.answer = Answer(status=429, headers={"Retry-After": "30"})
        assert slack_sender.send(letter(), slack(receiver.url)).retry_after_s == 30.0
