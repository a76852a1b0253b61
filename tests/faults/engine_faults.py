"""What can become of one request to a Docker Engine on its way there, or of the answer on its way back?"""

from __future__ import annotations

import select
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Fault = Callable[["Exchange"], None]

CHUNK = 65_536
DRIP_S = 1.0


class Exchange:
    """One request, the connection that it came over, and the way to the engine."""

    def __init__(self, agent: socket.socket, request: bytes, engine: Path, is_over: threading.Event) -> None:
        self.agent = agent
        self.request = request
        self.line = request.split(b"\r\n", 1)[0].decode()
        self.is_over = is_over
        self._engine = engine

    @contextmanager
    def engine(self) -> Iterator[socket.socket]:
        """Pass the request on, and give the connection that its answer comes over."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._engine))
            connection.sendall(self.request)
            yield connection

    def hang(self) -> None:
        """Do nothing until the agent hangs up, or the proxy is closed."""
        self.agent.settimeout(0.2)
        while not self.is_over.is_set():
            with suppress(TimeoutError):
                if not self.agent.recv(1):
                    return


def passed(exchange: Exchange) -> None:
    """Pass the answer on until one of the two hangs up."""
    with exchange.engine() as engine:
        while not exchange.is_over.is_set():
            ready, _, _ = select.select([engine, exchange.agent], [], [], 0.2)
            if exchange.agent in ready:
                return
            data = engine.recv(CHUNK) if ready else b""
            if ready and not data:
                return
            exchange.agent.sendall(data)


def silent(exchange: Exchange) -> None:
    """Accept, and never answer."""
    exchange.hang()


def swallowed(exchange: Exchange) -> None:
    """Pass the head of the answer, and nothing of its body: a stream in which nothing ever happens."""
    with exchange.engine() as engine:
        head = b""
        while b"\r\n\r\n" not in head:
            head += engine.recv(CHUNK)
        exchange.agent.sendall(head[: head.index(b"\r\n\r\n") + 4])
        exchange.hang()


def unanswered(exchange: Exchange) -> None:
    """Have the engine do it, and hang up instead of passing its answer on."""
    with exchange.engine() as engine:
        while engine.recv(CHUNK):
            pass


def kept(exchange: Exchange) -> None:
    """Have the engine do it, and never pass its answer on."""
    with exchange.engine():
        exchange.hang()


def dropped(exchange: Exchange) -> None:
    """Hang up without asking the engine."""
    del exchange


def answering(body: bytes, status: str = "200 OK", length: int | None = None) -> Fault:
    """Answer with this; a `length` beyond the body's makes it a truncated one."""

    def answer(exchange: Exchange) -> None:
        said = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {said}\r\nConnection: close\r\n\r\n"
        exchange.agent.sendall(head.encode() + body)

    return answer


def huge(size_bytes: int) -> Fault:
    """Answer with a valid JSON list of this size."""

    def answer(exchange: Exchange) -> None:
        exchange.agent.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[")
        piece = b'{"Id": "x"},' * 5_000
        for _ in range(size_bytes // len(piece)):
            exchange.agent.sendall(piece)
        exchange.agent.sendall(b'{"Id": "x"}]')

    return answer


def dripping(exchange: Exchange) -> None:
    """Send the engine's answer a byte a second."""
    with exchange.engine() as engine:
        answer = engine.recv(CHUNK)
    for number in range(len(answer)):
        if exchange.is_over.wait(DRIP_S):
            return
        exchange.agent.sendall(answer[number : number + 1])
