"""How is a piece of work done by a process that can be killed? A library may wait for ever, and a thread cannot be ended.

The child is a fork: it has all it needs in memory, so no secret is ever an argument, and it answers through a pipe. It
never touches a database connection of its parent's.
"""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from setproctitle import setproctitle

from healthmon import clock
from healthmon.processes.parent import die_with

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ANSWER_BYTES = 49_152  # fits into the pipe, so the child never waits to write it
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Child:
    """One piece of work under way."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.pipe = pipe
        self.began_at_s = clock.monotonic()
        self._heard = b""

    def is_over(self) -> bool:
        """Take what the child has said; tell whether it will say no more."""
        with suppress(BlockingIOError):
            while piece := os.read(self.pipe, MAX_ANSWER_BYTES):
                self._heard += piece
            return True
        return False

    def elapsed_s(self) -> float:
        return clock.monotonic() - self.began_at_s

    def end(self) -> bytes:
        """Have the child gone, and return what it has said."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)
        return self._heard


def begin(work: Callable[[], bytes], *, title: str) -> Child:
    """Have `work` done in a child, which answers what it returns and must not raise."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _be_child(work, theirs, title=title, parent=parent)
    except OSError:  # no more processes to be had
        os.close(ours)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs)
    return Child(pid, ours)


def _be_child(work: Callable[[], bytes], pipe: int, *, title: str, parent: int) -> NoReturn:
    """Work, answer, and end without any clearing up: nothing in memory is ours to close.

    supervisord's SIGTERM goes to the whole group; whether there is time left to end well is the parent's decision.
    """
    try:
        gc.freeze()
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        die_with(parent, by=signal.SIGKILL)
        setproctitle(title)
        os.write(pipe, work()[:MAX_ANSWER_BYTES])
    finally:
        os._exit(0)
