"""How long may one answer of the Docker Engine take in all, and how large may it be?

A socket's timeout is per read: an engine that sends a byte now and then would hold its reader for ever, and one that
sends without end would fill the memory. So every answer is read through a file that knows both ends.
"""

from __future__ import annotations

import http.client
import io
import json
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

from healthmon import clock

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from urllib3.connectionpool import HTTPConnectionPool

MAX_ANSWER_BYTES = 16 * 2**20  # a list of some 5,000 containers
MAX_EVENT_BYTES = 2**20
MIN_TIMEOUT_S = 0.001  # 0 would make a socket non-blocking


class AnswerTooLargeError(OSError):
    """What answers sends more than an engine has to say."""


class Bounds(io.RawIOBase):
    """Reads from a socket until its time, which is the read timeout of the call, or its size is used up."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket) -> None:
        self._raw = raw
        self._sock = connection  # the library's name: it closes a stream through it
        self._patience_s = connection.gettimeout()
        self._ends_at = None if self._patience_s is None else clock.monotonic() + self._patience_s
        self._left_bytes: float = MAX_ANSWER_BYTES

    def lift(self) -> None:
        """Let the answer go on for ever, as a stream does, with the patience for each read alone."""
        self._ends_at, self._left_bytes = None, float("inf")
        self._sock.settimeout(self._patience_s)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._ends_at is not None:
            left_s = self._ends_at - clock.monotonic()
            if left_s <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(max(left_s, MIN_TIMEOUT_S))
        size = self._raw.readinto(buffer)
        self._left_bytes -= size or 0
        if self._left_bytes < 0:
            raise AnswerTooLargeError(f"more than {MAX_ANSWER_BYTES / 2**20:.0f} MiB in one answer")
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """The standard library's answer, read within its bounds from the first byte of its head on."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.bounds = Bounds(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self.bounds)


class BoundedAdapter(HTTPAdapter):
    """Has every connection read its answers within their bounds."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        make = type(pool)._new_conn  # noqa: SLF001  where the library makes connections there is no other hook

        def make_bounded() -> Any:
            connection = make(pool)
            connection.response_class = _Answer
            return connection

        pool._new_conn = make_bounded  # noqa: SLF001
        return pool  # type: ignore[no-any-return]


def read_events(answer: Any) -> Iterator[dict[str, Any]]:
    """Read an answer of ours as a stream of JSON, one a line. Raises AnswerTooLargeError for a line without end."""
    answer.bounds.lift()
    while line := answer.readline(MAX_EVENT_BYTES):
        if not line.endswith(b"\n"):
            if len(line) == MAX_EVENT_BYTES:
                raise AnswerTooLargeError(f"more than {MAX_EVENT_BYTES / 2**20:.0f} MiB in one event")
            return  # the stream was cut in the middle of an event: the next one tells it again
        yield json.loads(line)
