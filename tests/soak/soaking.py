"""A whole agent at many times the usual rate, with everything going on that goes on in a bad month, and its size second by second."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil

from tests.faults.agents import Agent, agent
from tests.faults.neighbours import ANSWER, free_port
from tests.hostile import Server, request_of
from tests.receivers import Receiver
from tests.soak.judge import FLOOR_KIB, Growth, growth

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

SERVICES, GROUPS, USUAL_S = 17, 4, 30.0  # as shipped
ILL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nConnection: close\r\n\r\nill"
FALLS_ILL_EVERY_S, IS_ILL_S = 8.0, 3.0
PAGES = ("/", "/incidents", "/services/flaps", "/metrics", "/api/v1/report", "/api/v1/dashboard")
SAMPLE_S = 0.5


class Soak:
    """What was measured, by program."""

    def __init__(self, host: Agent, times: float) -> None:
        self.host = host
        self._times = times
        self.points: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._pids = host.pids() | {"supervisord": host.process.pid}
        self._processes = {name: psutil.Process(pid) for name, pid in self._pids.items()}
        self._stored_before = host.checks()

    def run(self, *, seconds: float) -> None:
        """Measure for so long. AssertionError when a process was replaced: it would begin small again."""
        began = time.monotonic()
        while (at := time.monotonic() - began) < seconds:
            for name, process in self._processes.items():
                with suppress(psutil.NoSuchProcess):
                    self.points[name].append((at, process.memory_info().rss))
            time.sleep(SAMPLE_S)
        assert self.host.pids() | {"supervisord": self.host.process.pid} == self._pids, "a process was replaced meanwhile"
        self.looks = self.host.checks() - self._stored_before
        wanted = SERVICES * seconds * self._times / USUAL_S
        assert self.looks > wanted / 2, f"{self.looks} looks, and {wanted:.0f} were to be made: the machine is too busy for this rate"

    def growths(self, *, warm_up_s: float, floor_kib: float = FLOOR_KIB, **floors_kib: float) -> list[Growth]:
        """Judge each process; `floors_kib` are those of single programs."""
        return [growth(name, points, warm_up_s=warm_up_s, floor_kib=floors_kib.get(name, floor_kib)) for name, points in sorted(self.points.items())]


@contextmanager
def soaking(*, times: float, kind: type[Agent] = Agent) -> Iterator[Soak]:
    """Run an agent at `times` the usual rate: one service falls ill again and again, people are told, pages are read."""
    every_s = USUAL_S / times
    began = time.monotonic()

    def flap(connection: socket.socket, server: Server) -> None:
        request_of(connection, server)
        server.requests.clear()
        is_ill = (time.monotonic() - began) % FALLS_ILL_EVERY_S < IS_ILL_S
        connection.sendall(ILL if is_ill else ANSWER)

    def be_well(connection: socket.socket, server: Server) -> None:
        request_of(connection, server)
        server.requests.clear()
        connection.sendall(ANSWER)

    with Server(be_well) as well, Server(flap) as flapping, Receiver() as receiver:
        services: list[dict[str, Any]] = [{"name": f"s{number}", "url": well.url, "group": f"g{number % GROUPS}"} for number in range(1, SERVICES)]
        services.append({"name": "flaps", "url": flapping.url, "group": "g0", "critical": True})
        port = free_port()
        alerting: dict[str, Any] = {
            "webhook_notifications": {"enabled": True, "url": receiver.url},
            "grouping": {"wait_seconds": 30 / times, "interval_seconds": 300 / times, "repeat_seconds": 14_400 / times},
        }
        rules: list[dict[str, Any]] = [{"name": "service_down", "condition": "status == 'unhealthy'", "severity": "critical", "duration_minutes": 2 / times}]
        clocks = {"check_interval_seconds": every_s, "timeout_seconds": every_s, "retry_interval_seconds": 2 / times}
        facts = {"alerting": alerting, "alert_rules": rules, "web": {"port": port}, "watchdog": {"sample_seconds": 1}, **clocks}
        with agent(services, kind=kind, **facts) as host:
            host.wait_until_running()
            with _reading(port, every_s=1.0):
                yield Soak(host, times)
                if kind is Agent:
                    assert receiver.requests, "nobody was told of anything: this was no bad month"


@contextmanager
def _reading(port: int, *, every_s: float) -> Iterator[None]:
    """Have somebody read the pages, one after another."""
    over = threading.Event()

    def read() -> None:
        number = 0
        while not over.wait(every_s):
            number += 1
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{PAGES[number % len(PAGES)]}", timeout=10) as page:
                page.read()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()
