"""What stands between the agent and a Docker Engine, and breaks one kind of answer on command?

A proxy on a Unix socket. The agent's connections carry one request each, so a fault is chosen by method and path.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.faults.engine_faults import CHUNK, Exchange, passed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.engine_faults import Fault


class EngineProxy:
    """Listens at `path` and passes on to `engine`, but for requests whose line contains a broken word."""

    def __init__(self, path: Path, engine: Path) -> None:
        self.path = path
        self.host = f"unix://{path}"
        self.lines: list[str] = []  # every request line that came
        self._engine = engine
        self._faults: dict[str, tuple[Fault, int]] = {}
        self._closing = threading.Event()
        self._over = threading.Event()  # the exchanges that this fault holds are to end
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def break_(self, word: str, fault: Fault, *, times: int = 1_000_000) -> None:
        """Break the answers to requests whose line contains `word`; at most so many."""
        self._faults[word] = (fault, times)

    def mend(self) -> None:
        """Pass everything on again, and end what is held."""
        self._faults.clear()
        self.hang_up()

    def hang_up(self) -> None:
        """End every exchange that goes on, the stream of events among them."""
        over, self._over = self._over, threading.Event()
        over.set()

    def asked(self, word: str) -> int:
        return sum(word in line for line in list(self.lines))

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                agent, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(agent,), daemon=True).start()

    def _serve(self, agent: socket.socket) -> None:
        with agent, suppress(OSError):
            request = _read_request(agent)
            if not request:
                return  # the agent only looked whether somebody listens
            exchange = Exchange(agent, request, self._engine, self._over)
            self.lines.append(exchange.line)
            self._fault_for(exchange.line)(exchange)

    def _fault_for(self, line: str) -> Fault:
        for word, (fault, times) in list(self._faults.items()):
            if word in line and times > 0:
                self._faults[word] = (fault, times - 1)
                return fault
        return passed

    def close(self) -> None:
        self._closing.set()
        self.mend()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.path.unlink(missing_ok=True)


def _read_request(agent: socket.socket) -> bytes:
    """Read one request; the agent's have no body worth speaking of."""
    agent.settimeout(10)
    request, deadline = b"", time.monotonic() + 10
    while b"\r\n\r\n" not in request and time.monotonic() < deadline:
        data = agent.recv(CHUNK)
        if not data:
            return b""
        request += data
    return request
