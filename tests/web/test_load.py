"""What do clients do to us that are slow, many, or both? Nothing that others notice."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceStatus
from healthmon.web import events, patience, writing
from tests.web.sites import HOST
from tests.web.test_events import Stream, become, looking
from tests.web.test_writing import bearer

if TYPE_CHECKING:
    import pytest

    from tests.web.sites import Site

VIEWERS = 100


def read_to_end(client: socket.socket, *, within_s: float) -> bytes:
    client.settimeout(within_s)
    told = b""
    with suppress(ConnectionResetError):
        while part := client.recv(65_536):
            told += part
    return told


def test_who_does_not_say_what_it_wants_is_let_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 0.3)
    silent, slow = socket.create_connection((HOST, site.port)), socket.create_connection((HOST, site.port))
    with closing(silent), closing(slow):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert read_to_end(silent, within_s=5) == b""
        assert read_to_end(slow, within_s=5) == b""


def test_who_begins_a_second_request_and_does_not_end_it_is_let_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 0.3)
    with closing(socket.create_connection((HOST, site.port))) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = client.recv(65_536)
        while not told.endswith(b"}}"):
            told += client.recv(65_536)
        client.sendall(b"GET /")
        assert read_to_end(client, within_s=3) == b""


def test_a_body_that_does_not_come_is_waited_for_a_while(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BODY_S", 0.3)
    head = "POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
    with closing(socket.create_connection((HOST, site.port))) as client:
        client.sendall(f"{head}Authorization: {bearer(site)['Authorization']}\r\n\r\n{{".encode())
        assert read_to_end(client, within_s=5).startswith(b"HTTP/1.1 408")


def test_a_hundred_viewers_hear_of_a_change(site: Site) -> None:
    """How soon, `tools/bench web` measures."""
    become(site, ServiceStatus.HEALTHY)
    heard: list[str] = []

    def listen(stream: Stream) -> None:
        heard.append(stream.until("service")["current_status"])

    with ExitStack() as stack:
        streams = [stack.enter_context(looking(site)) for _ in range(VIEWERS)]
        for stream in streams:
            stream.until("beat")
        become(site, ServiceStatus.UNHEALTHY)
        threads = [threading.Thread(target=listen, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert heard == ["unhealthy"] * VIEWERS


def test_one_viewer_too_many_is_told_to_come_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_VIEWERS", 1)
    with looking(site) as stream:
        stream.until("beat")
        told = site.ask("/api/v1/events")
        assert (told.status, told.headers["retry-after"]) == (503, "10")
