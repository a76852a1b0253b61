"""What does an agent tell whoever started it? As systemd hears it: that all of it is alive, and how it is in a line."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class Signs:
    """A socket like systemd's. `address` is for NOTIFY_SOCKET; it is abstract, so nothing of it is left behind."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # the kernel finds a name
        self.address = "@" + self._socket.getsockname()[1:].decode()
        self.words = ""
        self._alive_at = float("-inf")
        threading.Thread(target=self._hear, daemon=True).start()

    @property
    def age_s(self) -> float:
        """How long ago it said that every heart beats."""
        return time.monotonic() - self._alive_at

    def _hear(self) -> None:
        with suppress(OSError):
            while heard := self._socket.recv(4_096):
                for line in heard.decode().splitlines():
                    if line == "WATCHDOG=1":
                        self._alive_at = time.monotonic()
                    self.words = line.removeprefix("STATUS=") if line.startswith("STATUS=") else self.words

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
