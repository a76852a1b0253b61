"""Who receives the messages of a drill? A webhook of its own, on this machine, which notes when each came."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.demo.ecosystem import HOST

if TYPE_CHECKING:
    from datetime import datetime

MAX_BYTES = 2**20


class Receiver:
    """Listens from the moment it is made."""

    def __init__(self) -> None:
        self._server = _Server()
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/"

    def first(self, event: str) -> datetime | None:
        """Return when the first message of this kind came."""
        return next((at for at, kind in list(self._server.came) if kind == event), None)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.came: list[tuple[datetime, str]] = []
        super().__init__((HOST, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5.0

    def do_POST(self) -> None:
        at = clock.now()
        body = self.rfile.read(min(MAX_BYTES, int(self.headers.get("Content-Length") or 0)))
        self.server.came.append((at, str(json.loads(body)["event"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing: the drill tells what came."""
