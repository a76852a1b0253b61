"""How long did an outage wait for what: to be noticed, to be acknowledged, to be repaired? As one bar, and as its rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from healthmon.clock import duration

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.incident import Incident

WIDTH = 1_000  # of the bar, in units of its own
NARROWEST = 12  # a step of a second is to be seen, too


class PhaseKind(StrEnum):
    DETECT = "detect"
    ACKNOWLEDGE = "acknowledge"
    REPAIR = "repair"
    WAIT = "wait"  # it lasts


WORDS = {
    PhaseKind.DETECT: "until it was confirmed",
    PhaseKind.ACKNOWLEDGE: "until a person acknowledged it",
    PhaseKind.REPAIR: "until it was over",
    PhaseKind.WAIT: "and it lasts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    kind: PhaseKind
    words: str
    x: int
    width: int
    took: str
    share: str
    by_then: str  # since the first failed check


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """`words` say it all in one sentence, for who does not see the bar."""

    parts: tuple[Phase, ...]
    words: str


def phases(incident: Incident, acknowledged_at: datetime | None, now: datetime) -> Phases:
    """Return the steps of an outage in their order; no acknowledgement is a step where none came, or only after the end."""
    end = incident.resolved_at or now
    steps = [(PhaseKind.DETECT, min(incident.detected_at, end))]
    if acknowledged_at is not None and incident.detected_at < acknowledged_at < end:
        steps.append((PhaseKind.ACKNOWLEDGE, acknowledged_at))
    steps.append((PhaseKind.WAIT if incident.resolved_at is None else PhaseKind.REPAIR, end))
    times = [incident.started_at, *(at for _, at in steps)]
    lengths_s = [max(0.0, (later - earlier).total_seconds()) for earlier, later in pairwise(times)]
    parts, x = [], 0
    for (kind, at), length_s, width in zip(steps, lengths_s, _widths(lengths_s), strict=True):
        by_then = duration((at - incident.started_at).total_seconds())
        share = f"{100 * length_s / sum(lengths_s):.0f}%" if any(lengths_s) else ""
        parts.append(Phase(kind=kind, words=WORDS[kind], x=x, width=width, took=duration(length_s), share=share, by_then=by_then))
        x += width
    return Phases(parts=tuple(parts), words=", ".join(f"{part.took} {part.words}" for part in parts))


def _widths(lengths: list[float]) -> list[int]:
    """Share the bar out by length; what is too narrow to be seen takes of the widest."""
    whole = sum(lengths)
    widths = [max(NARROWEST, round(WIDTH * length / whole)) if whole else WIDTH // len(lengths) for length in lengths]
    widest = widths.index(max(widths))
    widths[widest] += WIDTH - sum(widths)
    return widths
