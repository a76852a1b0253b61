"""Who is answered, and what is a browser told to keep to?"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from healthmon.web.guard import MAX_BODY_BYTES
from healthmon.web.hosts import is_allowed
from tests.web.sites import HOST, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a token that nobody guesses"
ELSEWHERE = {"X_Forwarded_For": "203.0.113.9"}  # as a proxy on this host says it


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Site]:
    made = Site(directory=tmp_path, settings={"web": {"token": TOKEN, "allowed_hosts": ["Status.example.com"]}})
    made.web.step()
    yield made
    made.close()


NAMES = [
    ("localhost", True),
    ("localhost:9999", True),
    ("LOCALHOST.", True),
    ("127.0.0.1:8080", True),
    ("127.9.9.9", True),
    ("[::1]:8080", True),
    ("10.0.0.5:8080", True),  # where the connection arrived
    ("10.0.0.6:8080", False),
    ("status.example.com", True),
    ("evil.example.com", False),
    ("localhost.evil.example.com", False),
    ("127.0.0.1.evil.example.com", False),
    ("evil@localhost", False),
    ("localhost/evil", False),
    ("localhost:8080:8080", False),
    ("", False),
    ("[::1", False),
]


@pytest.mark.parametrize(("header", "allowed"), NAMES)
def test_only_our_own_names_are_answered(header: str, *, allowed: bool) -> None:
    assert is_allowed(header, own_address="10.0.0.5", configured=("status.example.com",)) is allowed


def test_a_name_that_somebody_pointed_at_us_is_refused(site: Site) -> None:
    told = site.ask("/api/v1/report", Host="rebound.example.com")
    assert told.status == 421
    assert told.headers["content-type"] == "application/problem+json"
    assert "web.allowed_hosts" in told.json()["detail"]


def test_a_configured_name_is_answered(guarded: Site) -> None:
    assert guarded.ask("/", Host="status.example.com").status == 200


def test_two_host_headers_are_refused(site: Site) -> None:
    with socket.create_connection((HOST, site.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n")
        assert client.recv(100).split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("path", ["/", "/api/v1/report", "/nothing", "/healthz"])
def test_every_answer_carries_the_headers_that_keep_browsers_safe(site: Site, path: str) -> None:
    headers = site.ask(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in {"no-store", "private, no-cache"}
    assert "server" not in headers


def test_from_another_host_nothing_is_read_without_the_token(guarded: Site) -> None:
    for headers in (ELSEWHERE, ELSEWHERE | {"Authorization": "Bearer wrong"}, ELSEWHERE | {"Authorization": TOKEN}):
        told = guarded.ask("/api/v1/report", **headers)
        assert told.status == 401
        assert told.headers["www-authenticate"].startswith("Bearer")
    assert guarded.ask("/api/v1/report", **ELSEWHERE, Authorization=f"Bearer {TOKEN}").status == 200
    assert guarded.ask("/healthz", **ELSEWHERE).status in {200, 503}


def test_a_body_that_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    told = site.ask("/api/v1/report", "POST", Content_Length=str(MAX_BODY_BYTES + 1))
    assert told.status == 413


def test_only_what_a_path_is_for_may_be_done_with_it(site: Site) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
        told = site.ask("/api/v1/report", method)
        assert told.status == 405
        assert told.json()["status"] == 405
        assert "GET" in told.headers["allow"]
