"""How is one message sent by a process that can be killed? A library may wait for ever, and a thread cannot be ended.

The child is a fork: it has all it needs in memory, so no secret is ever an argument, and it says what came of the
attempt through a pipe. It never touches the database, whose connection belongs to its parent.
"""

from __future__ import annotations

import gc
import json
import os
import signal
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, NoReturn

from setproctitle import setproctitle

from healthmon import clock, log
from healthmon.model.delivery import MAX_DETAIL_CHARS, SendResult, SendStatus
from healthmon.processes.parent import die_with
from healthmon.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ANSWER_BYTES = 16_384  # fits into the pipe, so the child never waits to write it
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Child:
    """One attempt under way."""

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

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> SendResult:
        """Have the child gone, and return what came of the attempt."""
        self.kill()
        os.waitpid(self.pid, 0)
        os.close(self.pipe)
        try:
            said = json.loads(self._heard)
            return SendResult(status=SendStatus(said["status"]), detail=said["detail"], retry_after_s=said["retry_after_s"])
        except (ValueError, KeyError, TypeError):
            return SendResult(status=SendStatus.UNKNOWN, detail=f"no end after {self.elapsed_s():.0f} s: the sender was stopped")


def begin(send: Callable[[], SendResult], *, title: str) -> Child:
    """Have `send` called in a child."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _be_child(send, theirs, title=title, parent=parent)
    except OSError:  # no more processes to be had
        os.close(ours)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs)
    return Child(pid, ours)


def _be_child(send: Callable[[], SendResult], pipe: int, *, title: str, parent: int) -> NoReturn:
    """Send, say what came of it, and end without any clearing up: nothing in memory is ours to close.

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
        os.write(pipe, _answer(_result(send)))
    finally:
        os._exit(0)


def _result(send: Callable[[], SendResult]) -> SendResult:
    try:
        return send()
    except BaseException as error:  # noqa: BLE001  the top of a process; how far it came nobody knows
        return SendResult(status=SendStatus.UNKNOWN, detail=f"the sender broke: {error!r}")


def _answer(result: SendResult) -> bytes:
    detail = redact(" ".join(log.clean(result.detail).split()))[:MAX_DETAIL_CHARS]
    return json.dumps({**asdict(result), "status": result.status.value, "detail": detail}).encode()
