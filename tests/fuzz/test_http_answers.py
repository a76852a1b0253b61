"""Whatever bytes a service answers with, a look ends in a result of one clean line, and never in a bug of ours."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.model.check import MAX_ERROR_CHARS, CheckReason, Outcome
from healthmon.probes import make
from healthmon.probes.settings import ProbeSettings
from healthmon.spelling import LINE_CHARS
from tests.fuzz.effort import corpus, effort
from tests.hostile import Server, sends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = corpus("http")
ONE_CLEAN_LINE = re.compile(f"{LINE_CHARS}*")
EXPECTING = {"body": "ready", "json_path": {"$.status": "up"}}
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"HTTP/1.1 ", b"200", b"999", b"-1", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n"]
PIECES += [b"0\r\n\r\n", b"Location: http://[::1\r\n", b"Location: \xff\r\n", b"Content-Encoding: gzip\r\n", b"Content-Type: text/x; charset=\xc3\r\n", b"\x1b[2J", b"\x1f\x8b\x08", b"{", b"\xed\xa0\x80"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(sends(b"")) as made:
        yield made


@functools.cache
def probe_of(url: str, *, reads_body: bool) -> object:
    settings = {"url": url, "timeout_seconds": 2, **({"expect": EXPECTING} if reads_body else {})}
    return make(ProbeSettings.model_validate(settings))


def judge(server: Server, answer: bytes) -> None:
    """Ask a service that answers so, once for its head and once for its body, too."""
    server.handle = sends(answer)
    for reads_body in (False, True):
        outcome = probe_of(server.url, reads_body=reads_body).ask()  # type: ignore[attr-defined]
        assert isinstance(outcome, Outcome)
        assert outcome.reason is not CheckReason.INTERNAL, outcome.error_message
        message = outcome.error_message or ""
        assert ONE_CLEAN_LINE.fullmatch(message)
        assert len(message) <= MAX_ERROR_CHARS


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.name)
def test_the_corpus_of_answers_is_harmless(server: Server, path: Path) -> None:
    judge(server, path.read_bytes())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An answer of the corpus with some of it cut out, doubled or replaced."""
    answer = draw(st.sampled_from(ANSWERS)).read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        at, cut = draw(st.integers(0, len(answer))), draw(st.integers(0, 30))
        new = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12), st.just(answer[at : at + cut] * 2)))
        answer = answer[:at] + new + answer[at + cut :]
    return answer


@effort(120)
@given(answer=st.one_of(mutated(), mutated(), st.binary(max_size=300)))
def test_no_answer_meets_a_bug(server: Server, answer: bytes) -> None:
    judge(server, answer)
