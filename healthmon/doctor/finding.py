"""What does an examination find? A verdict on one thing, in words, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Worst last."""

    FINE = "fine"
    UNKNOWN = "unknown"  # it could not be found out
    NOTE = "note"  # it works, and a person should know
    BAD = "bad"  # it does not work, or is not safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    topic: str
    verdict: Verdict
    what: str
    remedy: str = ""  # a command, or a line of the configuration


def fine(topic: str, what: str) -> Finding:
    return Finding(topic=topic, verdict=Verdict.FINE, what=what)


def unknown(topic: str, what: str, remedy: str = "") -> Finding:
    return Finding(topic=topic, verdict=Verdict.UNKNOWN, what=what, remedy=remedy)


def note(topic: str, what: str, remedy: str = "") -> Finding:
    return Finding(topic=topic, verdict=Verdict.NOTE, what=what, remedy=remedy)


def bad(topic: str, what: str, remedy: str) -> Finding:
    return Finding(topic=topic, verdict=Verdict.BAD, what=what, remedy=remedy)
