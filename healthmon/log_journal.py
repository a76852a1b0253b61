"""How do records reach systemd's journal with their priority, whatever state our supervisord is in?

Each process sends its own, in the journal's native protocol; journald finds out by itself which unit they belong to. Under
supervisord a process's stderr is a pipe to its log file, so whether there is a journal to write to is seen on its parent.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))
WAIT_S = 0.1  # its queue is a few records long, so a burst has to wait a moment
PAUSE_S = 5.0  # after it took none within that time: a frozen journald must not slow down our work


def is_stderr_of(pid: int) -> bool:
    """Tell whether a process of ours has its stderr in the journal: systemd says to which socket it connected it."""
    try:
        found = os.stat(f"/proc/{pid}/fd/2")  # noqa: PTH116  a Path would follow the link's text, which is no path
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def is_wanted() -> bool:
    """Tell whether this process's records belong into the journal: its own stderr leads there, or its supervisord's."""
    return is_stderr_of(os.getpid()) or is_stderr_of(os.getppid())


def priority(level: int) -> int:
    """Return syslog's number for a level of `logging`."""
    return next((number for least, number in PRIORITIES if level >= least), 7)


def marked(line: str, *, level: int = logging.ERROR) -> str:
    """Return a line for our own stderr, with its priority in front where that is the journal."""
    return f"<{priority(level)}>{line}" if is_stderr_of(os.getpid()) else line


class JournalHandler(logging.Handler):
    """Sends records to the journal, and loses them there, but not in their file, rather than wait for it."""

    def __init__(self, path: Path = SOCKET) -> None:
        super().__init__()
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._resume_at = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record, without its time, which the journal has. Its caller holds the handler's lock."""
        now = time.monotonic()
        if now < self._resume_at:
            return
        words = self.format(record).partition(" ")[2]
        message = f"PRIORITY={priority(record.levelno)}\nSYSLOG_IDENTIFIER=healthmon\nMESSAGE={words}\n"
        try:
            self._socket.settimeout(WAIT_S)
            self._socket.sendto(message.encode(errors="replace"), self._path)
        except OSError:
            self._resume_at = time.monotonic() + PAUSE_S

    def close(self) -> None:
        self._socket.close()
        super().close()
