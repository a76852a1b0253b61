"""Is an answer what was expected of it? Status and headers first; the body is only read for who expects something of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from healthmon.model.check import CheckReason
from healthmon.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.probes.expect_settings import Expect, JsonScalar

Finding = tuple[CheckReason, str]  # what is wrong, and how it is said

MAX_QUOTED_CHARS = 80
MAX_JSON_DEPTH = 64  # json's own limit would let a hostile body overrun a probe thread's small stack
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_TOKENS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)  # one pass, nothing tried twice: the text is a stranger's
_MISSING = object()


def quoted(text: str) -> str:
    """Quote what a server said, shortened, without any secret of the configuration."""
    text = redact(text)
    return f"'{text}'" if len(text) <= MAX_QUOTED_CHARS else f"'{text[:MAX_QUOTED_CHARS]}…'"


class Head(NamedTuple):
    """Status and headers of an answer; the names of `headers` match in any case."""

    status_code: int
    phrase: str
    headers: Mapping[str, str]


class Body(NamedTuple):
    """What was read of a body; not `complete` when it is longer than is read."""

    content: bytes
    complete: bool


def wants_body(expect: Expect) -> bool:
    return expect.body is not None or bool(expect.json_path)


def fault_in_head(expect: Expect, head: Head) -> Finding | None:
    """Return what is wrong with status or headers, with the actual values."""
    if not expect.allows(head.status_code):
        wanted = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in expect.status)
        return CheckReason.STATUS, f"expected {wanted}, got {head.status_code} {head.phrase[:80]}".rstrip()
    for name, wanted in expect.headers.items():
        got = head.headers.get(name)
        if got is None:
            return CheckReason.HEADER, f"expected the header {name}: {wanted}, got none"
        if got.strip() != wanted.strip():
            return CheckReason.HEADER, f"expected the header {name}: {wanted}, got {quoted(got)}"
    return None


def fault_in_body(expect: Expect, headers: Mapping[str, str], body: Body) -> Finding | None:
    """Return what is wrong with the body, with the actual value.

    A text may stand in the part that was read of a body that is too long; JSON has to be read as a whole.
    """
    text = _decoded(headers.get("Content-Type", ""), body.content)
    lacks_text = expect.body is not None and expect.body not in text
    if not body.complete and (lacks_text or expect.json_path):
        return CheckReason.TOO_LARGE, f"the body is larger than the {len(body.content) // 1024} KiB that are read of it"
    if lacks_text:
        return CheckReason.BODY, f"expected {quoted(expect.body or '')} in the body, got {_shown(text)}"
    return _fault_in_json(expect.json_path, text) if expect.json_path else None


def _fault_in_json(wanted: Mapping[str, JsonScalar], text: str) -> Finding | None:
    if _is_too_deep(text):
        return CheckReason.BODY, f"expected JSON, got brackets more than {MAX_JSON_DEPTH} deep"
    try:
        document: object = json.loads(text)
    except ValueError as error:
        return CheckReason.BODY, f"expected JSON, got {_shown(text)} ({error})"
    for path, value in wanted.items():
        got = _at(document, path)
        if got is _MISSING:
            return CheckReason.BODY, f"expected {path} to be {json.dumps(value)}, but there is none"
        if not _equal(got, value):
            return CheckReason.BODY, f"expected {path} to be {json.dumps(value)}, got {quoted(json.dumps(got))}"
    return None


def _at(document: object, path: str) -> object:
    for key in path.split("."):
        if isinstance(document, dict):
            document = document.get(key, _MISSING)
        elif isinstance(document, list) and key.isdecimal() and len(key) < 10 and int(key) < len(document):  # noqa: PLR2004  a position of that many digits is in no body that is read
            document = document[int(key)]
        else:
            return _MISSING
    return document


def _equal(got: object, wanted: JsonScalar) -> bool:
    """Compare as JSON does: true is not 1, but 1 is 1.0."""
    return isinstance(got, bool) is isinstance(wanted, bool) and got == wanted


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return False
    depth, in_string = 0, False
    for found in _TOKENS.finditer(text):
        sign = found[0]
        if sign == '"':
            in_string = not in_string
        elif not in_string and sign in "[]{}":
            depth += 1 if sign in "[{" else -1
            if depth > MAX_JSON_DEPTH:
                return True
    return False


def _decoded(content_type: str, content: bytes) -> str:
    found = _CHARSET.search(content_type)
    try:
        return content.decode(found[1] if found else "utf-8", errors="replace")
    except (LookupError, ValueError):  # no such charset, or one that is not for text
        return content.decode(errors="replace")


def _shown(text: str) -> str:
    return quoted(" ".join(text[:500].split())) if text.strip() else "nothing"
