"""What do rows watch that is well, slow, silent or under our own supervisord?"""

from __future__ import annotations

import socket
import sys
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from tests.hostile import Server, request_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.agents import Agent

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Well(Server):
    """A service that is well. It may be told to think for a while before it says so."""

    def __init__(self) -> None:
        super().__init__(Well._answer)
        self.thinks_s = 0.0

    def service(self, name: str = "s", group: str = "core", **settings: Any) -> dict[str, Any]:
        return {"name": name, "url": self.url, "group": group, **settings}

    @staticmethod
    def _answer(connection: socket.socket, server: Server) -> None:
        request_of(connection, server)
        if isinstance(server, Well) and server.thinks_s:
            time.sleep(server.thinks_s)
        connection.sendall(ANSWER)


def assert_never_unhealthy(host: Agent) -> None:
    """No look, and no status, may ever have blamed a service that was well."""
    blamed = host.rows("SELECT timestamp, reason, error_message FROM checks WHERE status = 0 LIMIT 1")
    assert not blamed, f"a service that is well was blamed: {blamed[0]}"
    assert "service_unhealthy" not in host.log("evaluator"), "a service that is well was called unhealthy"


SHOP = """
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

starts, port, slow_stop_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
with open(starts, "a") as file:
    print(f"{time.time():.3f}", file=file)


class Handler(BaseHTTPRequestHandler):
    ill = False

    def do_GET(self):
        self.send_response(500 if Handler.ill or os.path.exists(starts + ".ill") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        Handler.ill = True
        self.do_GET()

    def log_message(self, *words):
        pass


def stop(number, frame):
    time.sleep(slow_stop_s)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
HTTPServer.allow_reuse_address = True
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class Shop:
    """A service that runs under our own supervisord. It notes each of its starts; a POST makes it ill until the next."""

    def __init__(self, host: Agent, port: int, *, slow_stop_s: float = 0.0) -> None:
        self._port = port
        self._starts = host.paths.data_dir / "starts"
        code = host.paths.data_dir / "shop.py"
        code.write_text(SHOP)
        command = f"{sys.executable} {code} {self._starts} {port} {slow_stop_s}"
        self._write(host.paths.programs, command)

    @staticmethod
    def _write(directory: Path, command: str) -> None:
        text = f"[program:shop]\ncommand={command}\nstartsecs=0\nstopwaitsecs=15\nautorestart=false\n"
        (directory / "shop.conf").write_text(text)

    def starts(self) -> list[float]:
        return [float(line) for line in self._starts.read_text().split()] if self._starts.exists() else []

    def fall_ill(self) -> None:
        """Be ill until the next start."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        connection.request("POST", "/")
        connection.getresponse()
        connection.close()

    def be_ill(self) -> None:
        """Be ill, whoever restarts it, until it is told to be well."""
        self._starts.with_name("starts.ill").touch()

    def be_well(self) -> None:
        self._starts.with_name("starts.ill").unlink()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
