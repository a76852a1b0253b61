"""How does one HTTP request travel? As requests has prepared it, over a connection of ours that knows the look's deadline.

There is no Session: nothing comes from the environment (proxies, ~/.netrc, CA bundles), and no connection is kept. A
kept one gives false alarms when the server closes it just then. There is no adapter of requests' either: it makes a
pool, a policy of retries, a cookie jar and a second reading of the headers for each request, which is half of what a
look costs and a third of what a probing process touches of its memory. An answer's status and headers are read by the
standard library, as under requests; its body, when it is wanted, by urllib3.
"""

from __future__ import annotations

import http.client
import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from urllib3._collections import HTTPHeaderDict
from urllib3.exceptions import InvalidHeader
from urllib3.response import HTTPResponse

from healthmon.probes import tls
from healthmon.probes.connect import connect
from healthmon.probes.deadline import Deadline, Phase

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable
    from datetime import datetime

    import requests

    from healthmon.probes.resolve import Address

MAX_ANSWER_BYTES = 512 * 1024  # on the wire: status, headers and body together
INTERIM = frozenset(range(100, 200)) - {101}  # after 101 nothing in HTTP follows


class AnswerTooLargeError(Exception):
    """The server sends more than a health check's answer may have."""


class Envelope:
    """A prepared request as it goes over the wire, and where to."""

    def __init__(self, request: requests.PreparedRequest) -> None:
        parts = urlsplit(str(request.url))
        self.url, self.headers = str(request.url), dict(request.headers)
        self.secure = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.secure else 80)
        words = _Words(self.host.rstrip("."), self.port, default_port=443 if self.secure else 80)
        names = {name.lower() for name in request.headers}
        words.putrequest(str(request.method), request.path_url, skip_host="host" in names, skip_accept_encoding="accept-encoding" in names)
        for name, value in request.headers.items():
            words.putheader(name, value)
        words.endheaders()
        self.content = bytes(words.written)


class Transport:
    """Sends the requests of one service, one at a time."""

    def __init__(self, trust: Callable[[], ssl.SSLContext]) -> None:
        self._trust = trust
        self._connection: socket.socket | None = None
        self._answer: Answer | None = None
        self.cert_expires_at: datetime | None = None  # of the last exchange

    def exchange(self, request: Envelope, deadline: Deadline, *, allow: Callable[[Address], None] | None) -> Answer:
        """Send `request` and return the answer's status and headers, its body still unread.

        `allow` raises for an address that this request must not go to. Whoever calls this calls `hang_up` after.
        """
        self.cert_expires_at = None
        connection = self._connection = self._connect(request, deadline, allow)
        deadline.phase = Phase.WAITING
        with suppress(BrokenPipeError):  # a server may answer before it has read everything, and say why
            connection.sendall(request.content)
        answer = self._answer = Answer(connection, deadline)
        answer.begin()
        if deadline.fired:  # headers that were cut off look complete
            raise TimeoutError
        return answer

    def hang_up(self) -> None:
        """Close the connection, however far the exchange came."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, request: Envelope, deadline: Deadline, allow: Callable[[Address], None] | None) -> socket.socket:
        rules = self._trust() if request.secure else None
        plain = connect(request.host, request.port, deadline, allow=allow)
        if rules is None:
            return plain
        wrapped = tls.wrap(plain, request.host.rstrip("."), deadline, rules)
        self.cert_expires_at = tls.expires_at(wrapped)
        return wrapped


class _Words(http.client.HTTPConnection):
    """Takes the bytes of a request that http.client would send; it refuses what would be two requests."""

    def __init__(self, host: str, port: int, *, default_port: int) -> None:
        super().__init__(host, port)
        self.default_port = default_port  # which is not told in the header Host
        self.written = bytearray()

    def send(self, data: Any) -> None:
        self.written += data


class Answer(http.client.HTTPResponse):
    """Reads no more than MAX_ANSWER_BYTES: http.client alone would take 6 MB of headers, and `100 Continue` for ever."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__(cast("socket.socket", _Metered(sock, deadline)), method="GET")
        self._deadline = deadline

    def begin(self) -> None:
        """Read the status and the headers. Raises what http.client does, and InvalidHeader for two lengths of one body."""
        super().begin()
        if len(set(self.headers.get_all("Content-Length", ()))) > 1:
            raise InvalidHeader("several different lengths of the body")

    @property
    def fields(self) -> HTTPHeaderDict:
        """The headers, with names in any case; one that is there several times says all of it, with commas between."""
        return HTTPHeaderDict(self.headers.items())

    def body(self) -> HTTPResponse:
        """Return what reads the body and takes off what it is packed in."""
        return HTTPResponse(
            body=self,
            headers=self.fields,
            status=self.status,
            preload_content=False,
            decode_content=False,
            original_response=self,
            request_method="GET",
        )

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
