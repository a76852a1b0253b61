"""What does one event of the engine's stream tell?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from healthmon.heal.docker_words import read_signal

if TYPE_CHECKING:
    from healthmon.heal.docker_words import Json

FOLLOWED = ("kill", "stop", "die", "start", "restart", "rename", "pause", "unpause", "destroy", "oom", "health_status", "update")
UNKNOWN_SIGNAL = -1  # of a kill whose signal cannot be read: taken as a stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the engine's stream. `signal` is that of a kill; 0 for all other actions."""

    target_id: str
    action: str
    signal: int
    at: datetime
    exit_code: int | None  # of a die
    key: tuple[str, str, int]  # the same event, told twice, has the same key


def read_event(raw: Json) -> Event | None:
    """Read one event of the stream; None for what is not about a container.

    The engine writes the container's labels over an event's attributes: none of them is read, but a kill's signal and a die's exit code.
    """
    actor: Json = raw.get("Actor") or {}
    target_id, action = actor.get("ID") or raw.get("id"), raw.get("Action") or raw.get("status")
    if not target_id or not action:
        return None
    time_ns = int(raw.get("timeNano") or int(raw.get("time") or 0) * 10**9)
    word = str(action).partition(":")[0]  # "health_status: unhealthy"
    return Event(
        target_id=str(target_id),
        action=word,
        signal=(_kill_signal(actor) or UNKNOWN_SIGNAL) if word == "kill" else 0,
        at=datetime.fromtimestamp(time_ns / 1e9, UTC),
        exit_code=_exit_code(actor) if word == "die" else None,
        key=(str(target_id), str(action), time_ns),
    )


def _kill_signal(actor: Json) -> int:
    said = (actor.get("Attributes") or {}).get("signal")
    return read_signal(str(said)) if said is not None else 0


def _exit_code(actor: Json) -> int | None:
    said = str((actor.get("Attributes") or {}).get("exitCode", ""))
    return int(said) if said.isdecimal() else None
