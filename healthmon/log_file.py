"""How do records reach a file whose disk may be full, read-only or gone, without ever harming who writes them?

What the disk refuses is kept, as much as is bounded here, and written before the next record that it takes. Nothing
is raised and nothing is printed: the work of a process must never depend on what it says about it.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_KEPT = 200  # records; with 4 KiB as the most for one, 800 KiB


class FileHandler(logging.Handler):
    """Appends records to `path`, and follows it when logrotate, or a person, has turned it away."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._descriptor: int | None = None
        self._kept: deque[bytes] = deque(maxlen=MAX_KEPT)
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, and what is kept of earlier ones. Its caller holds the handler's lock."""
        if len(self._kept) == MAX_KEPT:
            self._dropped += 1
        self._kept.append(self.format(record).encode(errors="replace") + b"\n")
        self._write_kept()

    def close(self) -> None:
        self.acquire()
        try:
            self._write_kept()
            self._let_go()
        finally:
            self.release()
        super().close()

    def _write_kept(self) -> None:
        try:
            while self._kept:
                descriptor = self._follow()
                if self._dropped:
                    os.write(descriptor, b"(%d records before these were lost: they could not be written in time)\n" % self._dropped)
                    self._dropped = 0
                written = os.write(descriptor, self._kept[0])
                rest = self._kept.popleft()[written:]
                if rest:  # a disk that becomes full takes a part
                    self._kept.appendleft(rest)
        except OSError:
            self._let_go()  # a disk that was mounted anew has another file at the path

    def _follow(self) -> int:
        """Return the descriptor of the file that is at the path by now."""
        if self._descriptor is None or not _is_at(self._path, self._descriptor):
            self._let_go()
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self._descriptor

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116  at every record: a Path costs more
    except FileNotFoundError:
        return False
