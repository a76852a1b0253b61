"""What is one line of the live view? Harmless pieces, each in its tone, no wider than the terminal."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from healthmon import log

if TYPE_CHECKING:
    from collections.abc import Iterable

GAP = 2


class Tone(StrEnum):
    PLAIN = "plain"
    QUIET = "quiet"
    STRONG = "strong"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    WARNING = "warning"
    BAR = "bar"  # the line of keys


Piece = tuple[str, Tone]
Line = tuple[Piece, ...]


def ends(left: Piece, right: Piece, width: int) -> Line:
    """Return two texts at both ends of a line; the left one gives way."""
    room = width - cell_len(right[0]) - GAP
    if room < GAP:
        return cut((right,), width)
    text = log.clean(left[0])
    return ((set_cell_size(text, room) if cell_len(text) >= room else text + " " * (room - cell_len(text)), left[1]), (" " * GAP, Tone.PLAIN), right)


def cut(pieces: Iterable[Piece], width: int) -> Line:
    """Return harmless pieces that fit."""
    found: list[Piece] = []
    room = width
    for text, tone in pieces:
        cleaned = log.clean(text)
        if cell_len(cleaned) > room:
            cleaned = set_cell_size(cleaned, max(0, room - 1)) + ("…" if room else "")
        found.append((cleaned, tone))
        room -= cell_len(cleaned)
        if room <= 0:
            break
    return tuple(found)
