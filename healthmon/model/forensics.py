"""What was kept of a service and its container while it was ill? A restart destroys the rest of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.target import Incarnation


class ForensicsMoment(StrEnum):
    DETECTED = "detected"  # its incident was opened
    BEFORE_RESTART = "before_restart"
    AFTER_FAILURE = "after_failure"  # a restart did not help


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of evidence, as lines for people: harmless, and without our secrets. `problem` says what is missing of it."""

    name: str
    lines: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forensics:
    """All that was kept in one moment. `incident_id` is None where a person restarts what is not ill.

    `last_lines` are the newest of the container's log, for messages; the log itself is among the parts.
    """

    forensics_id: int = 0
    service_id: int
    incident_id: int | None
    heal_id: int | None
    moment: ForensicsMoment
    taken_at: datetime
    took_s: float
    incarnation: Incarnation
    last_lines: tuple[str, ...]
    parts: tuple[Part, ...]
