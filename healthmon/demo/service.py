"""One service of the demo: answers `GET /health` with 200, and with 500 from a `POST /ill` on until it is restarted."""

from __future__ import annotations

import json
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from healthmon.demo.ecosystem import DEMO, HOST
from healthmon.paths import Paths
from healthmon.processes import entry, following, loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.config import Config

NOTHING_TO_DO_S = 60.0


def main(argv: Sequence[str]) -> int:
    """Be what supervisord starts in the demo: one of its services, or a process of the monitor beside them."""
    match list(argv):
        case ["process", program, "--data-dir", data_dir] if program.startswith(DEMO):
            applied = following.begin(Paths(data_dir=Path(data_dir), database=Path(data_dir, "unknown")))
            name = program.removeprefix(DEMO)
            port = urlsplit(applied.config.service(name).url).port or 80
            return loop.run(program, applied, make=lambda _config: lambda _doorbell: DemoService(name, port))
        case _:
            return entry.main(argv)


class DemoService:
    """Serves in a thread; the loop that it hangs in only waits for the end."""

    def __init__(self, name: str, port: int) -> None:
        self._server = _Server(name, port)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": NOTHING_TO_DO_S}, daemon=True).start()

    def step(self) -> float:
        return NOTHING_TO_DO_S

    def follow(self, _config: Config) -> bool:
        return True  # it serves whoever asks

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    """Not `HTTPServer`, which asks the resolver for the name of its own address before it listens."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.ill = False
        super().__init__((HOST, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5.0

    def do_GET(self) -> None:
        self._answer(HTTPStatus.INTERNAL_SERVER_ERROR if self.server.ill else HTTPStatus.OK)

    def do_POST(self) -> None:
        self.server.ill = self.path == "/ill"
        self._answer(HTTPStatus.OK)

    def log_message(self, *_words: object) -> None:
        """Say nothing: a check every two seconds is no news."""

    def _answer(self, status: HTTPStatus) -> None:
        body = json.dumps({"service": self.server.name, "status": "ill" if self.server.ill else "healthy"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
