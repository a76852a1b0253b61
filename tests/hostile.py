"""Servers that misbehave in one way each, on real sockets; and the certificates that are wrong in one way each."""

from __future__ import annotations

import select
import selectors
import socket
import ssl
import struct
import subprocess
import threading
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

DRIP_S = 0.02


class Server:
    """Accepts connections on a free port and has `handle`, which may be changed, treat each in a thread of its own."""

    def __init__(self, handle: Callable[[socket.socket, Server], None], *, host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        self.stopping = threading.Event()
        self.handle = handle
        self._held_s: list[float] = []
        self._open: dict[socket.socket, float] = {}  # since when
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def longest_held_s(self) -> float:
        """Return how long the most patient client stayed, or stays, on a connection."""
        return max([*self._held_s, *(time.monotonic() - since for since in list(self._open.values()))], default=0.0)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open[connection] = time.monotonic()
                self._start(partial(self._treat, connection))

    def _treat(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.handle(connection, self)
        self._held_s.append(time.monotonic() - self._open.pop(connection))


def request_of(connection: socket.socket, server: Server) -> bytes:
    """Read the request's head and keep it in `server.requests`."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4_096)
        if not piece:
            break
        head += piece
    server.requests.append(head)
    return head


def sends(answer: bytes) -> Callable[[socket.socket, Server], None]:
    """Answer every request with these bytes and hang up."""

    def handle(connection: socket.socket, server: Server) -> None:
        request_of(connection, server)
        connection.sendall(answer)

    return handle


def answers(*, status: str = "200 OK", headers: Iterable[str] = (), body: bytes = b"") -> Callable[[socket.socket, Server], None]:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return sends("\r\n".join(lines).encode("latin-1") + body)


def zipped(size: int) -> bytes:
    """Return so many zeros as gzip packs them."""
    packer = zlib.compressobj(wbits=31)
    piece = bytes(1_000_000)
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


def drips(start: bytes, drop: bytes) -> Callable[[socket.socket, Server], None]:
    """Begin well, and then send `drop` again and again for ever."""

    def handle(connection: socket.socket, server: Server) -> None:
        request_of(connection, server)
        connection.sendall(start)
        while not server.stopping.wait(DRIP_S):
            connection.sendall(drop)

    return handle


def pours(start: bytes, flood: bytes) -> Callable[[socket.socket, Server], None]:
    """Send `flood` without end, as fast as it is taken."""

    def handle(connection: socket.socket, server: Server) -> None:
        request_of(connection, server)
        connection.sendall(start)
        while not server.stopping.is_set():
            connection.sendall(flood)

    return handle


def is_silent(connection: socket.socket, server: Server) -> None:
    """Take the request and never answer."""
    request_of(connection, server)
    is_deaf(connection, server)


def is_deaf(connection: socket.socket, _server: Server) -> None:
    """Accept, and neither read nor write, until the other side hangs up."""
    hung_up = select.poll()
    hung_up.register(connection, select.POLLRDHUP)
    hung_up.poll()


def resets(connection: socket.socket, server: Server) -> None:
    request_of(connection, server)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs_up(connection: socket.socket, server: Server) -> None:
    request_of(connection, server)


def in_tls(certificate: Certificate, handle: Callable[[socket.socket, Server], None]) -> Callable[[socket.socket, Server], None]:
    rules = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    rules.load_cert_chain(certificate.chain, certificate.key)

    def treat(connection: socket.socket, server: Server) -> None:
        with suppress(ssl.SSLError), rules.wrap_socket(connection, server_side=True) as wrapped:
            handle(wrapped, server)

    return treat


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    chain: Path
    key: Path


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def _new_key(path: Path) -> None:
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path))


def self_signed(directory: Path, *, name: str, host: str) -> Certificate:
    """Make a certificate that is its own authority."""
    made = Certificate(chain=directory / f"{name}.pem", key=directory / f"{name}.key")
    _new_key(made.key)
    openssl(
        *("req", "-x509", "-key", str(made.key), "-out", str(made.chain), "-days", "30"),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName={host}"),
    )
    return made


def signed_by(authority: Certificate, *, name: str, host: str, days: int = 30) -> Certificate:
    """Make a certificate of an authority; with negative `days` it has expired."""
    directory = authority.chain.parent
    made = Certificate(chain=directory / f"{name}.pem", key=directory / f"{name}.key")
    request, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    extensions.write_text(f"subjectAltName={host}\n")
    _new_key(made.key)
    openssl("req", "-new", "-key", str(made.key), "-subj", f"/CN={name}", "-out", str(request))
    openssl(
        *("x509", "-req", "-in", str(request), "-out", str(made.chain), "-days", str(days)),
        *("-CA", str(authority.chain), "-CAkey", str(authority.key), "-CAcreateserial", "-extfile", str(extensions)),
    )
    return made


class Hole:
    """Accepts any number of connections with a single thread for all, and never answers one unless given an answer."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/health"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join()

    def _hold(self) -> None:
        with self._listener, selectors.DefaultSelector() as ready:
            ready.register(self._listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _ in ready.select(0.2):
                    self._treat(key.fileobj, ready)  # type: ignore[arg-type]  # only sockets are registered
            for held in list(ready.get_map().values()):
                held.fileobj.close()  # type: ignore[union-attr]

    def _treat(self, one: socket.socket, ready: selectors.BaseSelector) -> None:
        if one is self._listener:
            ready.register(one.accept()[0], selectors.EVENT_READ)
            return
        with suppress(OSError):
            if one.recv(4_096) and not self.answer:
                return
            one.sendall(self.answer)
        ready.unregister(one)
        one.close()
