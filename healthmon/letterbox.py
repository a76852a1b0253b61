"""How does a process hear datagrams at a path, even after somebody removed that path? It never waits for them."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Letterbox:
    """A datagram socket at `path`. Who opened it last gets what is sent there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.socket = _bound(path)

    def receive(self, max_bytes: int) -> Iterator[bytes]:
        """Yield what has arrived, each cut to `max_bytes`."""
        while True:
            try:
                received = self.socket.recv(max_bytes)
            except BlockingIOError:
                return
            yield received

    def is_in_place(self) -> bool:
        """Tell whether anybody can find it."""
        return self._path.exists()

    def put_back(self) -> bool:
        """Open it again when its path was removed; return whether it was. Raises OSError when that cannot be done.

        The descriptor stays the same, so whoever waits for it needs to know nothing.
        """
        if self.is_in_place():
            return False
        again = _bound(self._path)
        os.dup2(again.fileno(), self.socket.fileno(), inheritable=False)
        again.close()
        return True

    def close(self) -> None:
        self.socket.close()


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        box.bind(str(path))
    except BaseException:
        box.close()
        raise
    return box
