"""Receivers of messages on real sockets: an HTTP endpoint that keeps what it gets, and mail servers that misbehave."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from tests.hostile import Server

DRIP_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


@dataclass(kw_only=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    pause_s: float = 0.0


class Receiver:
    """Keeps every request that it answers; `answer` may be changed at any time."""

    _by_port: ClassVar[WeakValueDictionary[int, Receiver]] = WeakValueDictionary()

    @classmethod
    def at(cls, port: int) -> Receiver | None:
        """Return the newest one of this process that has that port."""
        return cls._by_port.get(port)

    def __init__(self, *, answer: Answer | None = None, port: int = 0) -> None:
        self.answer = answer or Answer()
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a sender that was killed
        self.port = int(self._server.server_address[1])
        self._by_port[self.port] = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                at = time.time()
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = kept.answer
                kept.requests.append(Request(path=self.path, headers=dict(self.headers.items()), body=body, at=at))
                time.sleep(answer.pause_s)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST  # noqa: N815  as the library calls it

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def smtp(replies: Mapping[str, str] | None = None, *, mails: list[str] | None = None) -> Callable[[socket.socket, Server], None]:
    """Speak SMTP, with other replies than usual to some verbs; to one whose reply is empty, say nothing any more.

    `BANNER` is the reply to the connection, `BODY` that to the mail itself.
    """
    usual = {
        "BANNER": "220 mail.example.com",
        "EHLO": "250 mail.example.com",
        "MAIL": "250 ok",
        "RCPT": "250 ok",
        "DATA": "354 go on",
        "BODY": "250 queued as 42",
        "RSET": "250 ok",
        "QUIT": "221 bye",
    }
    said = {**usual, **(replies or {})}

    def handle(connection: socket.socket, server: Server) -> None:
        reader = connection.makefile("rb")

        def say(verb: str) -> None:
            reply = said.get(verb, "502 what?")
            if not reply:
                server.stopping.wait()
            connection.sendall(reply.encode() + b"\r\n")

        say("BANNER")
        for line in reader:
            verb = line[:4].decode().upper().strip()
            say(verb)
            if verb == "DATA" and said["DATA"].startswith("354"):
                body = b"".join(iter(reader.readline, b".\r\n"))
                server.requests.append(body)
                if mails is not None:
                    mails.append(body.decode())
                say("BODY")
            if verb == "QUIT":
                return

    return handle


def drips_smtp(connection: socket.socket, server: Server) -> None:
    """Send a banner that never ends, a byte at a time."""
    connection.sendall(b"220 ")
    while not server.stopping.wait(DRIP_S):
        connection.sendall(b"x")
