"""How are the single words of the Engine's JSON read: ids, times, signals?"""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]  # what the engine says, of any shape: only the modules docker_* take it apart

MAX_SIGNAL_DIGITS = 3
_ID = re.compile(r"[0-9a-f]{64}")


def read_id(row: Json) -> str:
    """Return the id in a row of the list. Raises ValueError or TypeError for what no container can have."""
    if not _ID.fullmatch(row["Id"]):
        raise ValueError(f"{row['Id']!r} is no id of a container")
    return str(row["Id"])


def read_time(text: str | None) -> datetime | None:
    """Read the engine's time; its year 1 means never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def read_signal(text: str | None) -> int:
    """Read a signal as the engine and its users write it: "15", "TERM", "SIGTERM", "SIGRTMIN+3". 0 is none known."""
    if not text:
        return 0
    if text.isdecimal():
        return int(text) if len(text) <= MAX_SIGNAL_DIGITS else 0
    name, _, above = text.upper().removeprefix("SIG").partition("+")
    known = signals.Signals.__members__.get(f"SIG{name}")
    if known is None or (above and not (above.isdecimal() and len(above) <= MAX_SIGNAL_DIGITS)):
        return 0
    return known + int(above or 0)


def seconds(nanoseconds: int | None) -> float:
    return (nanoseconds or 0) / 1e9
