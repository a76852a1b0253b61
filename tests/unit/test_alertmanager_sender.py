"""The sender to Alertmanagers against receivers on real sockets: what they get, and what their answers come to."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from healthmon.model.delivery import SendResult, SendStatus
from healthmon.notify.alertmanager_sender import endpoint, send
from tests.builders import NOW
from tests.receivers import Answer, Receiver

MAX_AHEAD = timedelta(minutes=3)
BATCHES: list[list[dict[str, Any]]] = [[{"labels": {"service": "Dök"}}], [{"labels": {"service": "b"}}]]


@pytest.fixture(autouse=True)
def _same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: format_datetime(NOW, usegmt=True))


def sent(receiver: Receiver, batches: list[list[dict[str, Any]]] = BATCHES) -> SendResult:
    return send(batches, f"http://127.0.0.1:{receiver.port}/", now=NOW, max_ahead=MAX_AHEAD)


URLS = [
    ("http://a:9093", "http://a:9093/api/v2/alerts"),
    ("http://a:9093/", "http://a:9093/api/v2/alerts"),
    ("https://u:p@a/prefix/#/alerts", "https://u:p@a/prefix/api/v2/alerts"),
    ("http://a/api/v2/alerts/", "http://a/api/v2/alerts"),
    ("http://a/x?tenant=1", "http://a/x/api/v2/alerts?tenant=1"),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_the_api_lies_below_the_url(url: str, expected: str) -> None:
    assert endpoint(url) == expected


def test_each_batch_is_a_request() -> None:
    with Receiver(answer=Answer(body=b"")) as receiver:
        assert sent(receiver).status is SendStatus.SENT
    assert [(request.path, request.document) for request in receiver.requests] == [("/api/v2/alerts", batch) for batch in BATCHES]
    assert receiver.requests[0].headers["Content-Type"] == "application/json"


def test_nothing_is_an_empty_list() -> None:
    with Receiver() as receiver:
        assert sent(receiver, [[]]).status is SendStatus.SENT
    assert [request.body for request in receiver.requests] == [b"[]"]


def test_a_refusal_keeps_no_other_batch_back_and_says_why() -> None:
    with Receiver(answer=Answer(status=400, body=b'"start time must be before end time"')) as receiver:
        result = sent(receiver)
    assert len(receiver.requests) == 2
    assert (result.status, result.detail) == (SendStatus.REFUSED, '400 Bad Request "start time must be before end time"')


def test_a_failure_ends_the_attempt() -> None:
    with Receiver(answer=Answer(status=500)) as receiver:
        assert sent(receiver).status is SendStatus.FAILED
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(("ahead_s", "status"), [(170, SendStatus.SENT), (190, SendStatus.FAILED), (-3_600, SendStatus.SENT)])
def test_who_takes_every_alert_for_over_has_not_been_told_of_any(ahead_s: int, status: SendStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    date = format_datetime(NOW + timedelta(seconds=ahead_s), usegmt=True)
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: date)
    with Receiver() as receiver:
        result = sent(receiver)
    assert result.status is status
    assert status is SendStatus.SENT or result.detail.startswith("its clock is 190 s ahead of this host's")
