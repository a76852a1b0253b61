"""How does a process hear datagrams at a path, even after somebody removed that path? It never waits for them."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Letterbox:
    """A datagram socket at `path`. Who opened it last gets what is sent there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.socket, self._file = _bound(path)

    def receive(self, max_bytes: int) -> Iterator[bytes]:
        """Yield what has arrived, each cut to `max_bytes`."""
        while True:
            try:
                received = self.socket.recv(max_bytes)
            except BlockingIOError:
                return
            yield received

    def is_in_place(self) -> bool:
        """Tell whether what is sent to the path arrives here."""
        with suppress(OSError):
            return os.path.samestat(self._path.lstat(), self._file)
        return False

    def put_back(self) -> bool:
        """Open it again when its path was removed or taken; return whether it was. Raises OSError when that cannot be done.

        The descriptor stays the same, so whoever waits for it needs to know nothing.
        """
        if self.is_in_place():
            return False
        again, self._file = _bound(self._path)
        os.dup2(again.fileno(), self.socket.fileno(), inheritable=False)
        again.close()
        return True

    def close(self) -> None:
        self.socket.close()


def _bound(path: Path) -> tuple[socket.socket, os.stat_result]:
    path.unlink(missing_ok=True)
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        box.bind(str(path))
        return box, path.lstat()
    except BaseException:
        box.close()
        raise
