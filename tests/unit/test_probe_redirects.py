"""Where an HTTP probe follows a redirect to, and what it takes along."""

from __future__ import annotations

import time
from typing import Any

import pytest

from healthmon.model.check import CheckReason, Outcome
from healthmon.probes import make
from healthmon.probes.http import _next, _origin, _stays
from healthmon.probes.settings import ProbeSettings
from tests import hostile
from tests.hostile import Server, answers

TIMEOUT_S = 0.4


def redirect(location: str, status: str = "302 Found") -> Any:
    return answers(status=status, headers=[f"Location: {location}"])


def ask(url: str, **settings: Any) -> Outcome:
    probe = make(ProbeSettings.model_validate({"url": url, "timeout_seconds": TIMEOUT_S, **settings}))
    began = time.monotonic()
    outcome = probe.ask()
    assert time.monotonic() - began < TIMEOUT_S + 0.5
    return outcome


def test_a_redirect_is_followed_and_the_last_answer_judged() -> None:
    with Server(answers(status="503 Down")) as end, Server(redirect(end.url)) as start:
        outcome = ask(start.url)
    assert outcome.reason is CheckReason.STATUS
    assert outcome.status_code == 503


def test_a_redirect_that_is_what_is_expected_is_not_followed() -> None:
    with Server(redirect("http://127.0.0.1:1/")) as server:
        assert ask(server.url, expect={"status": 302}).reason is CheckReason.OK


def test_a_redirect_to_nowhere_is_an_unexpected_status() -> None:
    with Server(answers(status="301 Moved")) as server:
        assert ask(server.url).error_message == "expected 200-299, got 301 Moved"


def test_a_loop_ends_after_five_redirects() -> None:
    with Server(redirect("/again")) as server:
        outcome = ask(server.url)
        assert len(server.requests) == 6
    assert outcome.reason is CheckReason.REDIRECT
    assert "more than 5 redirects" in (outcome.error_message or "")


def test_all_hops_share_one_deadline() -> None:
    with Server(hostile.is_silent) as end, Server(redirect(end.url)) as start:
        assert ask(start.url).reason is CheckReason.TIMEOUT


REFUSED = {
    "a file": ("file:///etc/passwd", "only http and https"),
    "another scheme": ("gopher://127.0.0.1/1", "only http and https"),
    "a cloud's metadata": ("http://169.254.169.254/latest/meta-data/", "169.254.169.254, a link-local address"),
    "the same as IPv6": ("http://[::ffff:169.254.169.254]/", "169.254.169.254, a link-local address"),
    "the same in one number": ("http://2852039166/", "169.254.169.254, a link-local address"),
    "link-local IPv6": ("http://[fe80::1]/", "fe80::1, a link-local address"),
    "no URL": ("http://[", "is not a URL"),
    "no port": ("http://127.0.0.1:99999/", "is not a URL"),
}


@pytest.mark.parametrize(("location", "message"), REFUSED.values(), ids=REFUSED)
def test_a_redirect_to_where_we_do_not_go_is_refused(location: str, message: str) -> None:
    with Server(redirect(location)) as server:
        outcome = ask(server.url)
    assert outcome.reason is CheckReason.REDIRECT
    assert message in (outcome.error_message or "")


def test_what_is_secret_in_a_location_is_not_shown() -> None:
    with Server(redirect("ftp://user:passw0rd@127.0.0.1/x?token=t0ken")) as server:
        message = ask(server.url).error_message or ""
    assert "passw0rd" not in message
    assert "t0ken" not in message


def test_own_headers_and_credentials_stay_with_the_host_they_are_for() -> None:
    with Server(answers()) as other, Server(redirect(other.url)) as start:
        url = start.url.replace("//", "//user:passw0rd@")
        assert ask(url, headers={"X-Token": "s3cret"}).reason is CheckReason.OK
    assert b"Authorization: Basic" in start.requests[0]
    assert b"X-Token: s3cret" in start.requests[0]
    assert b"Authorization" not in other.requests[0]
    assert b"X-Token" not in other.requests[0]


def test_own_headers_and_credentials_go_along_on_the_same_host() -> None:
    def once(connection: Any, server: Server) -> None:
        followed = b"GET /next" in hostile.request_of(connection, server)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if followed else b"HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\n")

    with Server(once) as server:
        ask(server.url.replace("//", "//user:passw0rd@"), headers={"X-Token": "s3cret"})
    assert b"Authorization: Basic" in server.requests[1]
    assert b"X-Token: s3cret" in server.requests[1]


SAME = {
    "another path": ("http://a/x", "http://a/y", True),
    "the usual port, written out": ("http://a/x", "http://a:80/x", True),
    "its https": ("http://a/x", "https://a/x", True),
    "its http": ("https://a/x", "http://a/x", False),
    "another port": ("http://a:8080/x", "http://a:8081/x", False),
    "https of an unusual port": ("http://a:8080/x", "https://a/x", False),
    "another host": ("http://a/x", "http://b/x", False),
}


@pytest.mark.parametrize(("old", "new", "stays"), SAME.values(), ids=SAME)
def test_which_server_counts_as_the_same(old: str, new: str, stays: bool) -> None:  # noqa: FBT001  a table's column
    assert _stays(old, new) is stays


def test_the_origin_of_a_prepared_request_is_its_own() -> None:
    probe = make(ProbeSettings(url="http://a/x"))
    request = _next(probe._request, "y")  # type: ignore[attr-defined]
    assert str(request.url) == "http://a/y"
    assert _origin("https://a/") == ("https", "a", 443)
