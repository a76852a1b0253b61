"""When an answer is what was expected of it, and how it is said when it is not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from healthmon.model.check import CheckReason
from healthmon.probes import expectation
from healthmon.probes.classify import bug, outcome
from healthmon.probes.expect_settings import Expect
from healthmon.probes.expectation import Body, Head, fault_in_body, fault_in_head, wants_body

STATUS, HEADER, BODY, TOO_LARGE = CheckReason.STATUS, CheckReason.HEADER, CheckReason.BODY, CheckReason.TOO_LARGE


def an_expectation(**settings: Any) -> Expect:
    return Expect.model_validate(settings)


HEADS = {
    "any 2xx by default": ({}, Head(204, "No Content", {}), None),
    "not a redirect by default": ({}, Head(302, "Found", {}), (STATUS, "expected 200-299, got 302 Found")),
    "no phrase": ({}, Head(500, "", {}), (STATUS, "expected 200-299, got 500")),
    "one of several": ({"status": (200, "401-403")}, Head(402, "", {}), None),
    "none of several": ({"status": (200, "401-403")}, Head(404, "Not Found", {}), (STATUS, "expected 200, 401-403, got 404 Not Found")),
    "the header is there": ({"headers": {"X-Role": "leader"}}, Head(200, "OK", {"X-Role": " leader "}), None),
    "no such header": ({"headers": {"X-Role": "leader"}}, Head(200, "OK", {}), (HEADER, "expected the header X-Role: leader, got none")),
    "another value": (
        {"headers": {"X-Role": "leader"}},
        Head(200, "OK", {"X-Role": "replica"}),
        (HEADER, "expected the header X-Role: leader, got 'replica'"),
    ),
}


@pytest.mark.parametrize(("settings", "head", "fault"), HEADS.values(), ids=HEADS)
def test_status_and_headers(settings: dict[str, Any], head: Head, fault: Any) -> None:
    assert fault_in_head(an_expectation(**settings), head) == fault


UP = {"json_path": {"status": "up"}}
BODIES = {
    "the text is there": ({"body": "ready"}, b"all ready now", None),
    "the text is not": ({"body": "ready"}, b"still\n starting", (BODY, "expected 'ready' in the body, got 'still starting'")),
    "nothing at all": ({"body": "ready"}, b"", (BODY, "expected 'ready' in the body, got nothing")),
    "a long body is cut": ({"body": "ready"}, b"x" * 999, (BODY, f"expected 'ready' in the body, got '{'x' * 80}…'")),
    "not UTF-8": ({"body": "ready"}, b"\xff\xfe ready", None),
    "the value is there": (UP, b'{"status": "up"}', None),
    "another value": (UP, b'{"status": "down"}', (BODY, "expected status to be \"up\", got '\"down\"'")),
    "no such key": (UP, b'{"state": "up"}', (BODY, 'expected status to be "up", but there is none')),
    "deep in lists": ({"json_path": {"checks.1.up": True}}, b'{"checks": [{}, {"up": true}]}', None),
    "beyond the list": ({"json_path": {"checks.7": 1}}, b'{"checks": []}', (BODY, "expected checks.7 to be 1, but there is none")),
    "true is not 1": ({"json_path": {"a": 1}}, b'{"a": true}', (BODY, "expected a to be 1, got 'true'")),
    "1 is 1.0": ({"json_path": {"a": 1}}, b'{"a": 1.0}', None),
    "null is a value": ({"json_path": {"a": None}}, b'{"a": null}', None),
    "null is not absence": ({"json_path": {"a": None}}, b"{}", (BODY, "expected a to be null, but there is none")),
    "many brackets side by side": ({"json_path": {"a": 1}}, b'{"a": 1, "b": [' + b"{}," * 500 + b"{}]}", None),
    "brackets in text": ({"json_path": {"a": 1}}, b'{"a": 1, "b": "' + b"[" * 500 + b'\\""}', None),
    "far too deep": ({"json_path": {"a": 1}}, b"[" * 100_000, (BODY, "expected JSON, got brackets more than 64 deep")),
}


@pytest.mark.parametrize(("settings", "content", "fault"), BODIES.values(), ids=BODIES)
def test_bodies(settings: dict[str, Any], content: bytes, fault: Any) -> None:
    assert fault_in_body(an_expectation(**settings), {}, Body(content, complete=True)) == fault


def test_what_is_not_json_is_shown() -> None:
    fault = fault_in_body(an_expectation(**UP), {}, Body(b"<html>oops", complete=True))
    assert fault is not None
    assert fault[1].startswith("expected JSON, got '<html>oops' (")


def test_the_declared_character_set_is_used() -> None:
    expect = an_expectation(body="bereit für")
    latin = {"Content-Type": "text/plain; charset=ISO-8859-1"}
    assert fault_in_body(expect, latin, Body("bereit für".encode("latin-1"), complete=True)) is None
    unknown = {"Content-Type": "text/plain; charset=klingon"}
    assert fault_in_body(expect, unknown, Body("bereit für".encode(), complete=True)) is None


def test_text_may_stand_in_the_part_that_was_read_but_json_must_be_whole() -> None:
    cut = Body(b'{"status": "up"}' + b" " * 2_048, complete=False)
    assert fault_in_body(an_expectation(body="up"), {}, cut) is None
    for settings in ({"body": "down"}, UP):
        fault = fault_in_body(an_expectation(**settings), {}, cut)
        assert fault is not None
        assert fault[0] is TOO_LARGE


def test_the_body_is_read_only_for_who_expects_something_of_it() -> None:
    assert not wants_body(an_expectation(headers={"X": "y"}))
    assert wants_body(an_expectation(body="x"))
    assert wants_body(an_expectation(**UP))


def test_a_message_is_one_harmless_line_of_bounded_length() -> None:
    message = outcome(BODY, "\x1b[31m\r\nevil \u202e" + "x" * 1_000).error_message or ""
    assert message.isprintable()
    assert len(message) == 500


def test_what_nobody_foresaw_is_ours() -> None:
    assert bug(ValueError("oops")).reason is CheckReason.INTERNAL
    assert bug(MemoryError()).reason is CheckReason.NO_RESOURCES
    assert bug(RuntimeError("can't start new thread")).reason is CheckReason.NO_RESOURCES


def test_a_body_made_to_be_slow_to_read_is_not() -> None:
    """Many quotes without their end made a regular expression take the square of their number."""
    hostile_body = b"{" * 65 + b'"' + b'\\"' * 100_000
    began = time.process_time()
    assert expectation._is_too_deep(hostile_body.decode())
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "too_deep"),
    [("[" * 64, False), ("[" * 65, True), ("[]" * 500, False), ('["' + "[" * 500 + '"]', False), ('["\\"' + "[" * 500, False)],
)
def test_only_brackets_outside_of_texts_count(text: str, *, too_deep: bool) -> None:
    assert expectation._is_too_deep(text) is too_deep
