"""Which level do records have now? The configuration's, or one that a person set for a while, over every process.

It stands in a file, `DEBUG 2026-11-28T07:00:00.000Z`, that each process looks at every few seconds: who is started
meanwhile has it, too, and nobody forgets to switch it off.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from healthmon.log import Log

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
MAX_CHARS = 64
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    level: str
    until: datetime


def read(path: Path, now: datetime) -> Override | None:
    """Return what a person set, if it still holds. What cannot be read, or is no level, is as if it were not there."""
    try:
        with path.open(encoding="utf-8") as file:
            level, _, until = file.read(MAX_CHARS).strip().partition(" ")
        found = Override(level=level, until=clock.from_iso(until))
    except (OSError, ValueError):
        return None
    return found if level in LEVELS and found.until > now else None


def write(path: Path, override: Override) -> None:
    """Set a level for a while. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(f"{override.level} {clock.to_iso(override.until)}\n", encoding="utf-8")
    unfinished.replace(path)


class Follower:
    """Has this process's records follow the file."""

    def __init__(self, path: Path, *, configured: str, records: Log) -> None:
        self._path = path
        self._configured = configured
        self._records = records
        self._level = configured
        self._look_at = float("-inf")

    def configure(self, level: str) -> None:
        """Take in what the configuration says by now. What a person set holds nevertheless."""
        self._configured = level
        self._look_at = float("-inf")

    def follow(self) -> None:
        """Take over what the file says by now, when it is time to look."""
        if clock.monotonic() < self._look_at:
            return
        self._look_at = clock.monotonic() + LOOK_EVERY_S
        override = read(self._path, clock.now()) if os.path.exists(self._path) else None  # noqa: PTH110  at nearly every step: to open costs more
        level = self._configured if override is None else override.level
        if level != self._level:
            self._level = level
            logging.getLogger("healthmon").setLevel(level)
            self._records.change("log_level", level=level, until=None if override is None else clock.to_iso(override.until))
