"""How does one process wake another? By a datagram after its commit. A lost one costs only the rest of a wait."""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon.letterbox import Letterbox

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64
AT_ONCE, WHEN_CONVENIENT = b"!", b"."
LINGER_S = 0.03  # so long others may join a ring that is not urgent: then it is one look for all of them


class Doorbell:
    """Wakes its owner: from other processes by a datagram, from its own threads and signals by `ring_self`."""

    def __init__(self) -> None:
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._letterbox: Letterbox | None = None
        self._was_rung = False
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)

    def listen(self, path: Path) -> None:
        """Let other processes ring it at `path`. Only for who holds the role: the last to listen gets the rings."""
        self._letterbox = Letterbox(path)
        self._poll.register(self._letterbox.socket, select.POLLIN)

    def put_back(self) -> bool:
        """Listen again where somebody removed our path; return whether it was so. Raises OSError when it cannot be."""
        return self._letterbox is not None and self._letterbox.put_back()

    def also_wake_for(self, descriptor: int) -> None:
        """End waits for what arrives at `descriptor`, too. Its owner reads it."""
        self._poll.register(descriptor, select.POLLIN)

    def no_longer_wake_for(self, descriptor: int) -> None:
        """Forget a descriptor, before it is closed: a closed one would end every wait at once."""
        self._poll.unregister(descriptor)

    def ring_self(self) -> None:
        os.eventfd_write(self._wake, 1)

    def wait(self, timeout_s: float) -> None:
        """Wait until it rings or the time is over."""
        if self._listen(timeout_s):
            self._listen(LINGER_S)

    def _listen(self, timeout_s: float) -> bool:
        """Wait, take what arrives, and tell whether it is only what can wait a little longer."""
        rung = [self._drain(descriptor) for descriptor, _ in self._poll.poll(max(0.0, timeout_s) * 1000)]
        return bool(rung) and all(rung)

    def _drain(self, descriptor: int) -> bool:
        """Take what has arrived; tell whether it can wait."""
        if descriptor == self._wake:
            with suppress(BlockingIOError):
                os.eventfd_read(self._wake)
        elif self._letterbox is not None and descriptor == self._letterbox.socket.fileno():
            letters = set(self._letterbox.receive(MAX_BYTES))
            self._was_rung = self._was_rung or bool(letters)
            return letters == {WHEN_CONVENIENT}
        return False

    def take_ring(self) -> bool:
        """Tell whether another process has rung since the last call."""
        was_rung, self._was_rung = self._was_rung, False
        return was_rung

    def close(self) -> None:
        os.close(self._wake)
        if self._letterbox is not None:
            self._letterbox.close()


def ring(path: Path, letter: bytes = AT_ONCE) -> None:
    """Wake the process whose doorbell is at `path`. Never waits, never fails: a lost ring costs a fallback poll."""
    # An error means that nobody runs there, or is busy enough to look anyway, or that we have no descriptor left.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as bell:
        bell.sendto(letter, str(path))
