"""How long may one look take in all, and who ends it when the time is over?

A socket's timeout is per call: a server that sends a byte now and then holds a reader for ever. So one thread per
process knows the end of every look in flight and shuts its socket down: whoever waits on it wakes at once.
"""

from __future__ import annotations

import heapq
import itertools
import socket
import threading
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

from healthmon import clock

if TYPE_CHECKING:
    from types import TracebackType

MIN_TIMEOUT_S = 0.001  # 0 would make a socket non-blocking


class Phase(Enum):
    """How far a look has come: what a timeout or a cut connection means depends on it."""

    RESOLVING = auto()
    CONNECTING = auto()
    HANDSHAKING = auto()
    WAITING = auto()  # for the first byte of an answer
    INTERIM = auto()  # for the answer itself, after a `100 Continue` or another that only announces one
    ANSWERING = auto()  # status and headers have begun to arrive
    READING = auto()  # the body


class Deadline:
    """The time that one look has, over everything it does; also its progress, for the message when it fails.

    `fired` wins over any answer: to the reader, a connection that we shut down looks like one that the server ended,
    and headers that break off there look like complete ones.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.started_at = clock.monotonic()
        self.ends_at = self.started_at + timeout_s
        self.phase = Phase.RESOLVING
        self.target = ""  # host:port that is being talked to
        self.connected_after_s: float | None = None
        self.fired = False
        self.over = False
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        _keeper.watch(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over = True
        self._socket = None

    def elapsed_s(self) -> float:
        return clock.monotonic() - self.started_at

    def remaining_s(self) -> float:
        """Return what is left, as a timeout for a socket: never 0. Raises TimeoutError when nothing is left."""
        left = self.ends_at - clock.monotonic()
        if self.fired or left <= 0:
            raise TimeoutError
        return max(left, MIN_TIMEOUT_S)

    def hold(self, connection: socket.socket) -> None:
        """Say which socket to shut down; to be called before anything waits on it, and again when TLS wraps it."""
        self._socket = connection
        if self.fired:
            self._shut_down(connection)

    def fire(self) -> None:
        """End the look. Called by the deadline thread."""
        self.fired = True
        connection = self._socket
        if connection is not None:
            self._shut_down(connection)

    @staticmethod
    def _shut_down(connection: socket.socket) -> None:
        with suppress(OSError):  # not connected yet, or closed meanwhile
            # Not the method of a TLS socket, which would throw away what the reader is using.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Keeper:
    """The deadline thread, started with the first look."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                thread.start()  # raises when there are no more threads to be had: then the next look tries again
                self._thread = thread
            heapq.heappush(self._heap, (deadline.ends_at, next(self._numbers), deadline))
            if self._heap[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            for deadline in self._wait():
                deadline.fire()

    def _wait(self) -> list[Deadline]:
        """Wait for the next end, and return the looks that have come to theirs.

        Looks that are over stay in the heap until they are on top: nearly all are by then, so this thread wakes
        about once a timeout, not once a look.
        """
        with self._changed:
            while self._heap and self._heap[0][2].over:
                heapq.heappop(self._heap)
            self._changed.wait(self._heap[0][0] - clock.monotonic() if self._heap else None)
            due: list[Deadline] = []
            while self._heap and (self._heap[0][0] <= clock.monotonic() or self._heap[0][2].over):
                deadline = heapq.heappop(self._heap)[2]
                if not deadline.over:
                    due.append(deadline)
            return due


_keeper = _Keeper()
