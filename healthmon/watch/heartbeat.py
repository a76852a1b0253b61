"""How does a process say that its work goes on? A datagram to the watchdog after a round, without ever waiting.

`evaluator 4711 0 12`: the program, its pid, and what is to be known of it: 1 while it must not be recycled, 2 while it
cannot work for a reason of which it says enough elsewhere, such as a full disk; 3 for both; and the number of the
configuration that it works with.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.letterbox import Letterbox
from healthmon.watch import systemd_notify

if TYPE_CHECKING:
    from pathlib import Path

BEAT_EVERY_S = 5.0  # all processes at the same moments, so that who hears them is woken once for many
MAX_BYTES = 128
BUSY, STUCK = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    program: str
    pid: int
    is_busy: bool
    is_stuck: bool = False
    number: int = 0  # of its configuration; 0 while it has not begun


def next_beat_s() -> float:
    """Return the seconds until the next beat is due."""
    return BEAT_EVERY_S - clock.monotonic() % BEAT_EVERY_S


class Heart:
    """Beats for one program. Nobody needs to listen."""

    def __init__(self, program: str, path: Path) -> None:
        self._program = program
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._beaten_at = float("-inf")
        self._said = (0, 0)
        self._manager = systemd_notify.manager() if systemd_notify.is_watched_itself() else systemd_notify.Nobody()

    def beat(self, *, is_busy: bool, is_stuck: bool = False, number: int = 0) -> None:
        """Say that a round is finished, or that we wait for a good reason; not more often than it is news to anybody."""
        now = clock.monotonic()
        said = BUSY * is_busy + STUCK * is_stuck
        if (said, number) == self._said and now // BEAT_EVERY_S == self._beaten_at // BEAT_EVERY_S:
            return
        self._manager.tell(systemd_notify.READY, systemd_notify.ALIVE)
        with suppress(OSError):  # nobody listens yet, or hears so fast: the next round tries again
            self._socket.sendto(f"{self._program} {os.getpid()} {said} {number}".encode(), self._path)
            self._beaten_at, self._said = now, (said, number)

    def close(self) -> None:
        self._socket.close()


class Ear:
    """Hears the beats of all programs."""

    def __init__(self, path: Path) -> None:
        self._letterbox = Letterbox(path)

    def fileno(self) -> int:
        return self._letterbox.socket.fileno()

    def hear(self) -> list[Beat]:
        """Return what was sent since the last call. What is not a beat is left out."""
        return [beat for beat in map(_read, self._letterbox.receive(MAX_BYTES)) if beat is not None]

    def is_in_place(self) -> bool:
        """Tell whether anybody can reach us: where the socket's path is gone, silence means nothing."""
        return self._letterbox.is_in_place()

    def put_back(self) -> None:
        """Let everybody reach us again. Raises OSError when that cannot be done."""
        self._letterbox.put_back()

    def close(self) -> None:
        self._letterbox.close()


def _read(datagram: bytes) -> Beat | None:
    match datagram.decode("ascii", errors="replace").split(" "):
        case [program, pid, ("0" | "1" | "2" | "3") as said, number] if _is_number(pid) and _is_number(number):
            flags = int(said)
            return Beat(program=program, pid=int(pid), is_busy=bool(flags & BUSY), is_stuck=bool(flags & STUCK), number=int(number))
        case _:
            return None


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10  # noqa: PLR2004  as a pid is
