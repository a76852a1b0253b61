"""Are probes as punctual beside a hundred live viewers as without them? On a real agent of a thousand services.

A viewer is what an open page is: a stream of events, and the page itself anew every ten seconds. They come and go by turns in one
run, so that each look without them is the control of one with them. Lateness is counted from the service's own grid: the most
punctual of all its looks in the run.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import psutil
from asked import a_target  # beside this file
from cases import Case
from products import until_ended

from healthmon.demo.ecosystem import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES, INTERVAL_S, GROUPS = 1_000, 10.0, 4
SETTLE_S, TURN_S, TURNS = 25.0, 30.0, 4  # without, with, without, with
REFRESH_S = 10.0


@contextmanager
def streams(port: int, count: int) -> Iterator[list[http.client.HTTPResponse]]:
    """Open so many streams of events, each of which has had its first beat."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)))
            connection.request("GET", "/api/v1/events")
            opened.append(connection.getresponse())
        for one in opened:
            while one.readline().strip() != b"event: beat":
                pass
        yield opened


def look_on(port: int, count: int, until_s: float) -> None:
    """Be so many viewers until then, and say how long their pages took. A process of its own: what they cost is not the server's."""
    took: list[float] = []
    with streams(port, count) as opened:
        threads = [threading.Thread(target=_view, args=(port, one, number / count, until_s, took)) for number, one in enumerate(opened)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()  # a beat comes every five seconds
    print(json.dumps(took))


def _view(port: int, stream: http.client.HTTPResponse, share: float, until_s: float, took: list[float]) -> None:
    """Read a stream, and ask for the page every ten seconds, each viewer at a time of its own."""
    asked_at = time.time() + share * REFRESH_S - REFRESH_S
    while time.time() < until_s:
        stream.read1(65_536)
        if time.time() - asked_at >= REFRESH_S:
            asked_at += REFRESH_S
            began_s = time.monotonic()
            with suppress(TimeoutError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                connection.request("GET", "/", headers={"Accept-Encoding": "gzip", "Cache-Control": "max-age=1"})
                connection.getresponse().read()
            took.append(time.monotonic() - began_s)


def punctuality(viewers: int) -> dict[str, Any]:
    """Measure both; print and return what was found."""
    case = Case(title="", services=SERVICES, interval_s=INTERVAL_S, settle_s=SETTLE_S, window_s=TURN_S, windows=TURNS)
    with tempfile.TemporaryDirectory(prefix="hm-") as name, a_target() as target:
        directory, [port] = Path(name), free_ports(1)
        config = _configure(directory, target.urls("healthmon", case), port)
        agent = subprocess.Popen([sys.executable, "-m", "healthmon", "--config", str(config), "run"], stderr=subprocess.DEVNULL)  # noqa: S603  our own words
        with until_ended([agent]):
            time.sleep(SETTLE_S)
            return _by_turns(psutil.Process(agent.pid), port, directory / "health_monitoring.db", viewers)


def _configure(directory: Path, urls: list[str], port: int) -> Path:
    path = directory / "health_monitoring_config.json"
    services = [{"name": f"s{n}", "url": url, "group": f"g{n % GROUPS}"} for n, url in enumerate(urls)]
    path.write_text(json.dumps({"check_interval_seconds": INTERVAL_S, "data_dir": str(directory), "web": {"port": port}, "services": services}))
    return path


def _by_turns(agent: psutil.Process, port: int, database: Path, viewers: int) -> dict[str, Any]:
    web = next(one for one in agent.children(recursive=True) if _listens(one, port))
    turns: list[tuple[bool, float, float]] = []
    memory, cpu, pages = [web.memory_full_info().pss], {False: 0.0, True: 0.0}, []
    for number in range(TURNS):
        watched, began, used = number % 2 == 1, time.time(), sum(web.cpu_times()[:2])
        if watched:
            code = f"import sys; sys.path[:0] = {sys.path[:3]!r}; import web_viewers; web_viewers.look_on({port}, {viewers}, {began + TURN_S})"
            done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)  # noqa: S603  our own words
            pages += json.loads(done.stdout)
        else:
            time.sleep(TURN_S)
        turns.append((watched, began, time.time()))
        cpu[watched] += sum(web.cpu_times()[:2]) - used
        memory.append(web.memory_full_info().pss)
    late = _lateness(database, turns)
    found: dict[str, Any] = {name: _figures(late[key], cpu[key]) for key, name in ((False, "without"), (True, "with"))}
    found["ratio of p99"] = found["with"]["p99_ms"] / found["without"]["p99_ms"]
    found["pages"] = {"asked": len(pages), "median_ms": 1_000 * statistics.median(pages), "slowest_ms": 1_000 * max(pages)}
    found["web_pss_mib"] = [one / 2**20 for one in memory]
    print(json.dumps(found, indent=2))
    return found


def _listens(process: psutil.Process, port: int) -> bool:
    return any(one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN for one in process.net_connections("tcp"))


def _lateness(database: Path, turns: list[tuple[bool, float, float]]) -> dict[bool, list[float]]:
    """Return how late, in milliseconds, each look of the turns began."""
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        rows = list(connection.execute("SELECT service_id, (julianday(timestamp) - 2440587.5) * 86400.0 FROM checks WHERE kind = 0 ORDER BY timestamp"))
    looks: dict[int, list[float]] = {}
    for service_id, at in rows:
        if at >= turns[0][1]:
            looks.setdefault(service_id, []).append(at)
    late: dict[bool, list[float]] = {False: [], True: []}
    for times in looks.values():
        first = times[0]
        phases = [((at - first + INTERVAL_S / 2) % INTERVAL_S) - INTERVAL_S / 2 for at in times]
        for at, phase in zip(times, phases, strict=True):
            for watched, began, ended in turns:
                if began <= at < ended:
                    late[watched].append(1_000 * (phase - min(phases)))
    return late


def _figures(late: list[float], cpu_s: float) -> dict[str, float]:
    cuts = statistics.quantiles(late, n=1_000)
    return {
        "p50_ms": cuts[499], "p99_ms": cuts[989], "p999_ms": cuts[998], "max_ms": max(late), "looks": len(late),
        "web_cpu_percent": 100 * cpu_s / (TURN_S * TURNS / 2),
    }
