"""Whatever the engine says of one container, it is read, or told as not understood: never a bug, never the end of the others."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.heal.docker_events import Event, read_event
from healthmon.heal.docker_facts import read_container, row_key
from healthmon.heal.docker_inspections import NotUnderstoodError, understanding
from healthmon.heal.docker_logs import last_lines, log_lines
from healthmon.heal.docker_stops import Remembered
from healthmon.heal.docker_target import finish
from healthmon.heal.docker_usage import Reading, read_usage
from healthmon.heal.docker_words import read_id
from healthmon.model.target import Target
from healthmon.spelling import LINE_CHARS
from tests.fuzz.effort import corpus, effort

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
DOCUMENTS = corpus("docker")
ONE_CLEAN_LINE = re.compile(f"{LINE_CHARS}*")
ODD = st.sampled_from(
    [None, "", "0001-01-01T00:00:00Z", "2026-13-45T99:99:99Z", "9999-12-31T23:59:59.999999999Z", "\ud800", "\0", "a" * 5_000, 0, -1, 10**30, 1e308, float("inf"), float("nan"), True, [], {}, [None], {"": None}]
)


def read(kind: str, words: Any) -> Any:
    """Read one document as the healer does."""
    with understanding(words):
        if kind == "inspect":
            return finish(read_container(words, own_ids=("036d",), now=NOW), Remembered(), now=NOW)
        if kind == "row":
            return read_id(words), row_key(words)
        return read_event(words) if kind == "event" else read_usage(words)


def judge(kind: str, words: Any) -> None:
    try:
        found = read(kind, words)
    except NotUnderstoodError as error:
        assert error.container  # noqa: PT017  either way is right
        return
    assert found is None or isinstance(found, Target | Event | Reading | tuple)
    if isinstance(found, Target):
        assert found.stop_timeout_s >= 0
        assert found.restart_limit is not None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_corpus_of_documents_is_understood(path: Path) -> None:
    document = json.loads(path.read_text())
    assert read(document["kind"], document["words"]) is not None


def places(words: Any) -> Iterator[tuple[Any, Any]]:
    """Return every place in a document: what holds it, and its key there."""
    keys = words.keys() if isinstance(words, dict) else range(len(words)) if isinstance(words, list) else ()
    for key in keys:
        yield words, key
        yield from places(words[key])


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """A document of the corpus in which some places hold something odd, or nothing."""
    document = copy.deepcopy(json.loads(draw(st.sampled_from(DOCUMENTS)).read_text()))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(document["words"]))
        holder, key = found[draw(st.integers(0, len(found) - 1))]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = copy.deepcopy(draw(ODD))
        if not list(places(document["words"])):
            break
    return document["kind"], document["words"]


@effort(400)
@given(document=mutated())
def test_no_document_meets_a_bug(document: tuple[str, Any]) -> None:
    judge(*document)


@effort(150)
@given(answer=st.one_of(st.binary(max_size=400), st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 255]), st.integers(0, 2**32 - 1), st.binary(max_size=60)), max_size=6).map(
    lambda frames: b"".join(bytes([stream, 0, 0, 0]) + size.to_bytes(4, "big") + text for stream, size, text in frames))))
def test_no_log_meets_a_bug(answer: bytes) -> None:
    """The frames may lie about their sizes, and the text need not be any."""
    for line in last_lines(answer):
        assert ONE_CLEAN_LINE.fullmatch(line)
    assert all(isinstance(text, str) for pair in log_lines(answer) for text in pair)
