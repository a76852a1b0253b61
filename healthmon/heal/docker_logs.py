"""What did a container say last, in lines that a person can be shown? Pure: the engine's bytes come in, text goes out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from healthmon.log import clean
from healthmon.redaction import mask_guesses, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 200
ENTRY_BYTES = 16 * 2**10 + 64  # the engine's longest entry, with its time and its head
MAX_BYTES = LINES * ENTRY_BYTES
MESSAGE_LINES = 5
MAX_LINE_CHARS = 400
MAX_KEPT_BYTES = 2_048
HEAD_BYTES = 8  # of a frame: which stream, three zeros, and the length
STREAMS = (0, 1, 2)
_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
_DATED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d) ?")


def last_lines(answer: bytes) -> tuple[str, ...]:
    """Return the last lines for a message: harmless, without our secrets, and 2 KiB at most in all: the newest are kept."""
    told = [text for _, text in log_lines(answer)]
    shown = [line for text in told[-MESSAGE_LINES:] if (line := mask_guesses(redact(text)[: 4 * MAX_LINE_CHARS]).strip()[:MAX_LINE_CHARS].rstrip())]
    kept: list[str] = []
    left = MAX_KEPT_BYTES
    for line in reversed(shown):
        left -= len(line.encode()) + 1
        if left < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def log_lines(answer: bytes) -> list[tuple[str, str]]:
    """Return when each line was written, to the second ("" where the engine did not say), and its text, harmless.

    Two streams come one after the other: where there are times, the lines are in their order.
    """
    dated, at = [], ""
    for raw in _text(answer).splitlines():
        found = _DATED.match(raw)
        at = f"{found[1]}{found[2] or ''}" if found else at
        text = clean(_COLOURS.sub("", raw[found.end() :] if found else raw))
        if text.strip():
            dated.append((at, found is not None, text))
    return [(f"{at[:19]}Z" if is_dated else "", text) for at, is_dated, text in sorted(dated, key=lambda one: one[0])]


def _text(answer: bytes) -> str:
    """Take the engine's frames off. With a terminal there are none: what a program writes never looks like one."""
    framed = answer[1:4] == b"\0\0\0"
    return (b"".join(_frames(answer)) if framed else answer).decode(errors="replace")


def _frames(answer: bytes) -> Iterator[bytes]:
    start = 0
    while len(head := answer[start : start + HEAD_BYTES]) == HEAD_BYTES and head[0] in STREAMS and head[1:4] == b"\0\0\0":
        end = start + HEAD_BYTES + int.from_bytes(head[4:], "big")
        yield answer[start + HEAD_BYTES : end]
        start = end
