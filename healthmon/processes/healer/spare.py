"""Where does a thread that has a restart to make get its connection from, without waiting for one to be opened?

To open one takes longer than all that stands between Docker's verdict and the restart, but the flushes of the disk.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection

MAX_KEPT = 2  # as many as are usually at work


class Spare:
    """Keeps connections that are in nobody's hands. One that failed in somebody's is not kept."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._free: list[Connection] = []
        self._is_closed = False

    def open(self) -> None:
        """Have one at hand. Raises what opening a database raises."""
        self._keep(open_for_working(self._database))

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """Give one away for as long as it is needed."""
        connection = self._take() or open_for_working(self._database)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def close(self) -> None:
        """Let go of all that are free, and of the others as they come back."""
        with self._lock:
            self._is_closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _take(self) -> Connection | None:
        with self._lock:
            return self._free.pop() if self._free else None

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            is_kept = not self._is_closed and len(self._free) < MAX_KEPT
            if is_kept:
                self._free.append(connection)
        if not is_kept:
            connection.close()
