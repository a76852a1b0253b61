"""How does one HTTP request travel? By requests, over connections of ours that know the look's deadline.

There is no Session: nothing comes from the environment (proxies, ~/.netrc, CA bundles), and no connection is kept. A
kept one gives false alarms when the server closes it just then.
"""

from __future__ import annotations

import http.client
import io
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from healthmon.probes import tls
from healthmon.probes.connect import connect
from healthmon.probes.deadline import Deadline, Phase

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable
    from datetime import datetime

    from urllib3.response import BaseHTTPResponse

    from healthmon.probes.resolve import Address

MAX_ANSWER_BYTES = 512 * 1024  # on the wire: status, headers and body together
INTERIM = frozenset(range(100, 200)) - {101}  # after 101 nothing in HTTP follows


class AnswerTooLargeError(Exception):
    """The server sends more than a health check's answer may have."""


class Transport(HTTPAdapter):
    """Sends the requests of one service, one at a time."""

    def __init__(self, trust: Callable[[], ssl.SSLContext]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._trust = trust
        self._deadline: Deadline | None = None
        self._allow: Callable[[Address], None] | None = None
        self._pool: HTTPConnectionPool | None = None
        self.cert_expires_at: datetime | None = None  # of the last exchange

    def exchange(
        self,
        request: requests.PreparedRequest,
        deadline: Deadline,
        *,
        allow: Callable[[Address], None] | None,
    ) -> requests.Response:
        """Send `request` and return the answer's status and headers, its body still unread.

        `allow` raises for an address that this request must not go to. Whoever calls this calls `hang_up` after.
        """
        self._deadline, self._allow, self.cert_expires_at = deadline, allow, None
        response = self.send(request, stream=True, timeout=deadline.remaining_s())
        if deadline.fired:  # headers that were cut off look complete
            response.close()
            raise TimeoutError
        return response

    def hang_up(self) -> None:
        """Close the connection, however far the exchange came."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def open(self, host: str, port: int, *, secure: bool) -> tuple[socket.socket, Deadline]:
        """Connect, and return whose time it is: what the connection classes below call."""
        assert self._deadline is not None  # noqa: S101  only `exchange` sends
        rules = self._trust() if secure else None
        connection = connect(host, port, self._deadline, allow=self._allow)
        if rules is not None:
            connection = wrapped = tls.wrap(connection, host.rstrip("."), self._deadline, rules)
            self.cert_expires_at = tls.expires_at(wrapped)
        self._deadline.phase = Phase.WAITING
        return connection, self._deadline

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> HTTPConnectionPool:
        """Return a pool of one fresh connection: requests knows no smaller thing to send through."""
        parts = urlsplit(str(request.url))
        kind = _SecureConnection if parts.scheme == "https" else _Connection
        pool = HTTPConnectionPool(parts.hostname or "", parts.port or kind.default_port, transport=self)
        pool.ConnectionCls = kind
        self._pool = pool
        return pool

    def cert_verify(self, *_: Any) -> None:
        """Do nothing: certificates are judged where the connection is made."""

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Keep what a probe looks at: no cookies, no history, no guess at an encoding."""
        response = requests.Response()
        response.status_code = resp.status
        response.reason = resp.reason or ""
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.request = req
        response.url = req.url or ""
        return response


class _Answer(http.client.HTTPResponse):
    """Reads no more than MAX_ANSWER_BYTES: http.client alone would take 6 MB of headers, and `100 Continue` for ever."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(cast("socket.socket", _Metered(sock, deadline)), *args, **kwargs)
        self._deadline = deadline

    def _read_status(self) -> tuple[str, int, str]:
        """Read a status line. What only announces an answer is told as `100 Continue`, the one that http.client skips."""
        version, status, reason = super()._read_status()  # type: ignore[misc]  # known to http.client alone
        if status in INTERIM:
            self._deadline.phase = Phase.INTERIM
            status = http.HTTPStatus.CONTINUE
        return version, status, reason


class _Metered:
    """The one thing of a socket that http.client's response uses."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_MeteredReader(self._socket.makefile("rb", buffering=0), self._deadline))


class _MeteredReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline
        self._left = MAX_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._left <= 0:
            raise AnswerTooLargeError
        count = cast("int | None", self._raw.readinto(buffer))
        self._left -= count or 0
        if count and self._deadline.phase is Phase.WAITING:
            self._deadline.phase = Phase.ANSWERING
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    """Connects through its transport, and so within the look's deadline."""

    secure = False

    def __init__(self, *, transport: Transport, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._transport = transport

    def connect(self) -> None:
        self.sock, deadline = self._transport.open(self._dns_host, self.port, secure=self.secure)
        self.response_class = partial(_Answer, deadline=deadline)  # type: ignore[assignment]  # called, never subclassed


class _SecureConnection(_Connection):
    default_port = 443  # type: ignore[misc]  # a constant of the class, as in urllib3's own HTTPSConnection
    secure = True
