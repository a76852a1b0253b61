"""What an HTTP probe finds out about servers that behave well and about those that do not."""

from __future__ import annotations

import gzip
import re
import socket
import time
from typing import Any

import pytest

from healthmon.model.check import MAX_ERROR_CHARS, CheckReason, CheckStatus, Outcome
from healthmon.probes import make
from healthmon.probes.settings import ProbeSettings
from tests import hostile
from tests.hostile import Server, answers, drips, pours, sends

TIMEOUT_S = 0.4
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
WANTS_BODY = {"expect": {"body": "ready"}}


def ask(url: str, **settings: Any) -> Outcome:
    """Ask once, and hold the probe to its promise: an answer within the timeout and half a second."""
    probe = make(ProbeSettings.model_validate({"url": url, "timeout_seconds": TIMEOUT_S, **settings}))
    began = time.monotonic()
    outcome = probe.ask()
    assert time.monotonic() - began < TIMEOUT_S + 0.5
    assert "\n" not in (outcome.error_message or "")
    assert len(outcome.error_message or "") <= MAX_ERROR_CHARS
    return outcome


def test_a_good_answer_is_healthy_and_timed() -> None:
    with Server(answers(body=b"ready")) as server:
        outcome = ask(server.url, **WANTS_BODY)
    assert outcome.reason is CheckReason.OK
    assert outcome.status_code == 200
    assert outcome.error_message is None
    assert 0 < (outcome.response_time_s or 0) < TIMEOUT_S


def test_the_request_says_who_asks_and_takes_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Server(answers()) as server:
        outcome = ask(server.url, headers={"X-Token": "s3cret"})
    assert outcome.status is CheckStatus.HEALTHY
    head = server.requests[0].decode()
    assert head.startswith("GET /health HTTP/1.1\r\n")
    for line in ("Connection: close", "Accept-Encoding: identity", "X-Token: s3cret", f"Host: 127.0.0.1:{server.port}"):
        assert f"{line}\r\n" in head
    assert re.search(r"User-Agent: healthmon/\d", head)


def test_an_ipv6_address_is_asked_by_its_name() -> None:
    with Server(answers(), host="::1") as server:
        assert ask(f"http://[::1]:{server.port}/").reason is CheckReason.OK
    assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0]


def test_each_look_makes_a_connection_of_its_own_even_when_the_server_would_keep_one() -> None:
    keeps = sends(OK_HEAD + b"Connection: keep-alive\r\nContent-Length: 5\r\n\r\nready")
    with Server(keeps) as server:
        probe = make(ProbeSettings.model_validate({"url": server.url, **WANTS_BODY}))
        assert [probe.ask().reason for _ in range(3)] == [CheckReason.OK] * 3
        assert len(server.requests) == 3


NO_ANSWER, NO_END = "no answer", "the body was not complete"
NO_HEADERS, NO_REAL_ANSWER = "the headers were not complete", "only interim answers such as 100 Continue"
HANGING = {
    "silent": (hostile.is_silent, {}, NO_ANSWER),
    "deaf": (hostile.is_deaf, {}, NO_ANSWER),
    "header drip": (drips(OK_HEAD, b"X-More: 1\r\n"), {}, NO_HEADERS),
    "status line drip": (drips(b"HTTP/1.1 200 O", b"K"), {}, NO_HEADERS),
    "endless 100 Continue": (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {}, NO_REAL_ANSWER),
    "early hints and no more": (drips(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b""), {}, NO_REAL_ANSWER),
    "body drip": (drips(OK_HEAD + b"Content-Length: 100000\r\n\r\n", b"x"), WANTS_BODY, NO_END),
    "chunk drip": (drips(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), WANTS_BODY, NO_END),
    "half a body": (drips(OK_HEAD + b"Content-Length: 10\r\n\r\nready", b""), {"expect": {"body": "not yet"}}, NO_END),
}


@pytest.mark.parametrize(("handle", "settings", "message"), HANGING.values(), ids=HANGING)
def test_a_server_that_never_comes_to_an_end_is_a_timeout(handle: Any, settings: dict[str, Any], message: str) -> None:
    with Server(handle) as server:
        outcome = ask(server.url, **settings)
    assert outcome.reason is CheckReason.TIMEOUT
    assert outcome.status is CheckStatus.UNHEALTHY
    assert (outcome.error_message or "").startswith(f"{message} within 0.4 s (connected after 0.0")


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints", "199 Whatever"])
def test_what_only_announces_an_answer_is_not_taken_for_it(interim: str) -> None:
    announced = f"HTTP/1.1 {interim}\r\nLink: </style.css>; rel=preload\r\n\r\n".encode()
    with Server(sends(announced * 2 + OK_HEAD + b"Content-Length: 5\r\n\r\nready")) as server:
        assert ask(server.url, **WANTS_BODY).status_code == 200


def test_a_switch_of_protocols_that_nobody_asked_for_is_an_unexpected_status() -> None:
    with Server(sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: nonsense\r\n\r\n")) as server:
        assert ask(server.url).error_message == "expected 200-299, got 101 Switching Protocols"


def test_a_body_that_nobody_expects_anything_of_is_not_waited_for() -> None:
    with Server(drips(OK_HEAD + b"Content-Length: 100000\r\n\r\n", b"x")) as server:
        assert ask(server.url).reason is CheckReason.OK


BOMB = hostile.zipped(50_000_000)
BROKEN = {
    "reset": (hostile.resets, {}, CheckReason.RESET, "the connection was cut"),
    "closed before status": (hostile.hangs_up, {}, CheckReason.RESET, "closed before an answer"),
    "not HTTP": (sends(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), {}, CheckReason.PROTOCOL, "not HTTP: 'SSH-2.0-OpenSSH_9.2'"),
    "terminal codes": (sends(b"\x1b[2J\x1b]0;pwned\x07\r\n\r\n"), {}, CheckReason.PROTOCOL, "not HTTP: ' [2J ]0;pwned"),
    "short body": (
        sends(OK_HEAD + b"Content-Length: 99\r\n\r\nready"),
        WANTS_BODY,
        CheckReason.PROTOCOL,
        "breaks off",
    ),
    "bad chunk": (
        sends(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nready"),
        WANTS_BODY,
        CheckReason.PROTOCOL,
        "breaks off",
    ),
    "bad gzip": (
        sends(OK_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nready"),
        WANTS_BODY,
        CheckReason.PROTOCOL,
        "not right HTTP",
    ),
    "huge body": (pours(OK_HEAD + b"\r\n", bytes(65_536)), WANTS_BODY, CheckReason.TOO_LARGE, "larger than the 256 KiB"),
    "endless chunks": (
        pours(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + bytes(4_096) + b"\r\n"),
        WANTS_BODY,
        CheckReason.TOO_LARGE,
        "larger than the 256 KiB",
    ),
    "gzip bomb": (
        answers(headers=["Content-Encoding: gzip"], body=BOMB),
        WANTS_BODY,
        CheckReason.TOO_LARGE,
        "larger than the 256 KiB",
    ),
    "huge headers": (pours(OK_HEAD, b"X-More: " + b"y" * 60_000 + b"\r\n"), {}, CheckReason.TOO_LARGE, "larger than 512 KiB"),
    "a huge header": (pours(OK_HEAD + b"X: ", b"y" * 60_000), {}, CheckReason.TOO_LARGE, "headers are too large"),
    "too many headers": (pours(OK_HEAD, b"X: y\r\n"), {}, CheckReason.TOO_LARGE, "more than 100 headers"),
    "1xx flood": (pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {}, CheckReason.TOO_LARGE, "larger than 512 KiB"),
}


@pytest.mark.parametrize(("handle", "settings", "reason", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_has_its_own_reason(handle: Any, settings: dict[str, Any], reason: CheckReason, message: str) -> None:
    with Server(handle) as server:
        outcome = ask(server.url, **settings)
    assert outcome.reason is reason
    assert message in (outcome.error_message or "")


def test_gzip_that_was_not_asked_for_is_read_all_the_same() -> None:
    with Server(answers(headers=["Content-Encoding: gzip"], body=gzip.compress(b"ready"))) as server:
        assert ask(server.url, **WANTS_BODY).reason is CheckReason.OK


def test_an_unexpected_status_is_told_with_both_values() -> None:
    with Server(answers(status="500 Internal Server Error")) as server:
        outcome = ask(server.url)
    assert outcome.reason is CheckReason.STATUS
    assert outcome.status_code == 500
    assert outcome.error_message == "expected 200-299, got 500 Internal Server Error"
    assert outcome.response_time_s is not None


def test_a_phrase_with_terminal_codes_becomes_one_harmless_line() -> None:
    with Server(sends(b"HTTP/1.1 500 \x1b[31m<script>\rEvil\r\n\r\n")) as server:
        outcome = ask(server.url)
    assert outcome.reason is CheckReason.STATUS
    assert (outcome.error_message or "").isprintable()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = ask(f"http://127.0.0.1:{port}/")
    assert outcome.reason is CheckReason.REFUSED
    assert outcome.error_message == f"refused: nothing listens on 127.0.0.1:{port}"


def test_a_full_backlog_is_a_timeout_of_the_connection() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.1", port))
        outcome = ask(f"http://127.0.0.1:{port}/")
        for filler in fillers:
            filler.close()
    assert outcome.reason is CheckReason.TIMEOUT
    assert outcome.error_message == f"no connection to 127.0.0.1:{port} within 0.4 s"


def test_a_probe_recovers_with_its_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    probe = make(ProbeSettings(url=f"http://127.0.0.1:{port}/", timeout_seconds=TIMEOUT_S))
    assert probe.ask().reason is CheckReason.REFUSED
    with socket.create_server(("127.0.0.1", port)):
        assert probe.ask().reason is CheckReason.TIMEOUT
    assert probe.ask().reason is CheckReason.REFUSED
