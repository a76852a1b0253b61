"""Whatever bytes somebody sends to the pages and the API, they are answered or refused, nothing is written, and the next is served."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.effort import corpus, effort
from tests.web.sites import HOST, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = corpus("api")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-4]\d\d) [^\r\n]*\r\n")  # a failure of ours would be a 5xx
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"?", b"&", b"=", b"%", b"%00", b"%ff", b"../", b"//", b"#", b"\xff\xfe", b"\xc3\xa9", b"-1", b"1e999", b"NaN"]
PIECES += [b"9" * 30, b"HTTP/1.1", b"GET ", b"POST ", b"DELETE ", b"Content-Length: ", b"Host: evil.example\r\n", b"limit=", b"since=", b"window=", b"null", b"[", b'{"a":', b"A" * 9_000]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(directory=tmp_path_factory.mktemp("fuzz"))
    made.web.step()
    yield made
    made.close()


def judge(site: Site, request: bytes) -> None:
    """Send a request, and no more; hold what comes first, if anything does."""
    before = site.database.rows("PRAGMA data_version")
    with socket.create_connection((HOST, site.port), timeout=10) as connection:
        with suppress(ConnectionError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        head = b""
        with suppress(ConnectionError):
            head = connection.recv(4_096)
    assert not head or STATUS_LINE.match(head), head[:200]
    assert site.database.rows("PRAGMA data_version") == before, "somebody without a token has changed something"


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.name)
def test_the_corpus_of_requests_is_harmless(site: Site, path: Path) -> None:
    judge(site, path.read_bytes())
    assert site.ask("/api/v1/report").status == 200


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A request of the corpus with some of it cut out, doubled or replaced."""
    request = draw(st.sampled_from(REQUESTS)).read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        at, cut = draw(st.integers(0, len(request))), draw(st.integers(0, 20))
        new = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8), st.just(request[at : at + cut] * 2)))
        request = request[:at] + new + request[at + cut :]
    return request


@effort(120)
@given(request=st.one_of(mutated(), mutated(), mutated(), st.binary(max_size=200)))
def test_no_request_meets_a_bug(site: Site, request: bytes) -> None:
    judge(site, request)


def test_it_answers_as_before(site: Site) -> None:
    """Run after the others, as pytest does."""
    assert site.ask("/api/v1/report").status == 200
