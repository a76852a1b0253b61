"""Services whose answers are the test's decision, each with a container: it is well again when that was started once more."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.containers import Observer

SILENCE_S = 3.0  # longer than anybody waits for an answer


class Patient:
    """One service, its container, and what the test lets it answer."""

    def __init__(self, name: str, container: str, observer: Observer) -> None:
        self.name = name
        self.container = container
        self.restart_helps = True
        self.is_silent = False  # instead of answering that it is ill
        self._observer = observer
        self._ill_in: int | None = None  # the number of starts up to the run that is ill

    def make_ill(self, *, restart_helps: bool = True, silently: bool = False) -> float:
        """Have it fail from now on; return when that was."""
        self.restart_helps, self.is_silent = restart_helps, silently
        self._ill_in = self.starts()
        return time.monotonic()

    def make_well(self) -> None:
        self._ill_in = None

    def is_well(self) -> bool:
        if self._ill_in is None:
            return True
        return self.restart_helps and self.starts() > self._ill_in

    def starts(self) -> int:
        return self._observer.actions(self.container).count("start")

    def assert_restarts(self, least: int, most: int | None = None) -> None:
        """Hold how often it was started since it was admitted, by whomever."""
        restarts, most = self.starts() - 1, least if most is None else most
        assert least <= restarts <= most, f"{self.name}: {restarts} restarts, not {least} to {most}"


class Desk(ThreadingHTTPServer):
    """Answers for all patients: each has its own path."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.patients: dict[str, Patient] = {}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        patient = self.server.patients.get(self.path.lstrip("/"))
        is_well = patient is None or patient.is_well()
        if patient is not None and not is_well and patient.is_silent:
            time.sleep(SILENCE_S)
        self.send_response(200 if is_well else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing."""
