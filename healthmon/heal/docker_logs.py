"""What did a container say last, in lines that a person can be shown? Pure: the engine's bytes come in, text goes out."""

from __future__ import annotations

import re

from healthmon.log import clean
from healthmon.redaction import redact

LINES = 5
MAX_BYTES = 96 * 2**10  # five entries of the engine's longest, 16 KiB, with their heads
MAX_LINE_CHARS = 400
MAX_KEPT_BYTES = 2_048
HEAD_BYTES = 8  # of a frame: which stream, three zeros, and the length
STREAMS = (0, 1, 2)
_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")


def last_lines(answer: bytes) -> tuple[str, ...]:
    """Return the last lines of an answer, harmless, without our secrets, and 2 KiB at most in all: the newest are kept."""
    shown = [line for raw in _text(answer).splitlines() if (line := _line(raw))]
    kept: list[str] = []
    left = MAX_KEPT_BYTES
    for line in reversed(shown[-LINES:]):
        left -= len(line.encode()) + 1
        if left < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def _text(answer: bytes) -> str:
    """Take the engine's frames off. With a terminal there are none: what a program writes never looks like one."""
    text, rest = b"", answer
    while len(rest) >= HEAD_BYTES and rest[0] in STREAMS and rest[1:4] == b"\0\0\0":
        end = HEAD_BYTES + int.from_bytes(rest[4:HEAD_BYTES], "big")
        text, rest = text + rest[HEAD_BYTES:end], rest[end:]
    framed = answer[1:4] == b"\0\0\0"
    return (text if framed else text + rest).decode(errors="replace")


def _line(raw: str) -> str:
    """A secret is masked before the line is cut: half a secret would not be found."""
    return redact(clean(_COLOURS.sub("", raw))).strip()[:MAX_LINE_CHARS].rstrip()
