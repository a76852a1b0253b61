"""How long do the page, the API and the metrics take with 1,000 services and 30 days of history, and with 17? And live events?

The server is a process of its own, as in an agent. Before each question a second of the services' life is written, so that
nothing is answered from what was made for the one before; times are those of who asks on the same host.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

import web_site
import web_viewers

from healthmon import clock
from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.processes.web import collect_seldom
from healthmon.status.uptime import Uptime
from healthmon.store import states
from healthmon.store.opening import open_for_writing
from tests.web import browser
from tests.web.sites import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from healthmon.store.connection import Connection

VIEWERS = 100
CHANGED = 7  # the service that falls ill and recovers
PATHS = ("/", "/api/v1/dashboard", "/api/v1/report", "/metrics", "/api/v1/incidents", "/api/v1/services/service_0/history?limit=100")
PARTS = ("answers", "live", "screen", "punctuality")


@contextmanager
def served(directory: Path, count: int) -> Iterator[tuple[Site, psutil.Process]]:
    """Serve `count` services from a process of its own."""
    wanted = tuple(
        {"name": f"service_{one}", "url": "http://127.0.0.1:1/", "group": f"group_{one % 20}", "interval_seconds": 3_600.0, "expected_response_time": 2.0}
        for one in range(count)
    )
    site = Site(directory=directory, services=wanted)
    web_site.fill(site, count)
    site.database.close()
    child = os.fork()
    if not child:
        collect_seldom()
        site.web.step()
        signal.pause()
    try:
        _wait_until_served(site)
        yield site, psutil.Process(child)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _wait_until_served(site: Site) -> None:
    for _ in range(200):
        with suppress(OSError):
            site.ask("/healthz")
            return
        time.sleep(0.05)
    raise AssertionError("nothing is served")


def ask(site: Site, path: str) -> tuple[float, int, int]:
    """Return the seconds that an answer took, and its size, packed and not."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.connect()
    started = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - started
    connection.close()
    assert answer.status == 200, (path, answer.status, body[:200])  # noqa: S101, PLR2004
    is_packed = answer.getheader("content-encoding") == "gzip"
    return took, len(body), len(gzip.decompress(body)) if is_packed else len(body)


def answers(site: Site, server: psutil.Process, database: Connection, count: int, rounds: int) -> dict[str, Any]:
    """Ask for each path so often, a second of life before each."""
    chance, results = random.Random(2), {}  # noqa: S311  no secret
    for path in PATHS:
        ask(site, path)  # templates are read, connections opened
        found, cpu_s = [], 0.0
        for _ in range(rounds):
            web_site.a_second(database, count, chance)
            before = sum(server.cpu_times()[:2])
            found.append(ask(site, path))
            cpu_s += sum(server.cpu_times()[:2]) - before
        times = sorted(one[0] for one in found)
        figures = {"median_ms": 1_000 * statistics.median(times), "slowest_ms": 1_000 * times[-1], "cpu_ms": 1_000 * cpu_s / rounds}
        results[path] = {**figures, "packed_bytes": found[-1][1], "bytes": found[-1][2], "rounds": rounds}
        said = f"{figures['median_ms']:8.1f} ms, slowest {figures['slowest_ms']:7.1f}, CPU {figures['cpu_ms']:6.1f}"
        print(f"{count:>6} services  {path:<52}{said} {found[-1][1] / 1000:9.1f} KB packed {found[-1][2] / 1000:9.1f} KB")
    return results


def change(database: Connection, status: ServiceStatus) -> float:
    """Let a service fall ill or recover; return when it was committed."""
    reason = CheckReason.OK if status is ServiceStatus.HEALTHY else CheckReason.STATUS
    now = clock.now()
    state = ServiceState(service_id=CHANGED, status=status, status_since=now, last_checked_at=now, last_reason=reason)
    with database.transaction(durable=True):
        states.save(database, [(state, Uptime())])
    return time.time()


def live(site: Site, database: Connection, rounds: int) -> dict[str, Any]:
    """Return how long after its commit a change is told to the slowest of a hundred viewers."""
    with web_viewers.streams(site.port, VIEWERS) as opened:
        told = []
        for number in range(rounds):
            heard: list[float] = []

            def listen(stream: Any, heard: list[float] = heard) -> None:
                while stream.readline().strip() != b"event: service":
                    pass
                heard.append(time.time())

            threads = [threading.Thread(target=listen, args=(one,)) for one in opened]
            for thread in threads:
                thread.start()
            committed = change(database, (ServiceStatus.UNHEALTHY, ServiceStatus.HEALTHY)[number % 2])
            for thread in threads:
                thread.join(60)
            told.append(max(heard) - committed)
            time.sleep(0.6)
    return spread(told)


def screen(site: Site, database: Connection, rounds: int) -> dict[str, Any]:
    """Return how long after its commit a change is on the screen of a real browser, in which the service's row is looked at."""
    name = f"service_{CHANGED - 1}"
    watch = """name => {
        window.seen = [];
        new MutationObserver(() => {
            const row = document.querySelector(`[data-name="${name}"]`);
            const status = row && row.dataset.status;
            if (status && status !== window.lastStatus) { window.lastStatus = status; window.seen.push(Date.now() / 1000); }
        }).observe(document.body, { subtree: true, childList: true, attributes: true });
    }"""
    chance, took = random.Random(3), []  # noqa: S311  no secret
    with browser.chromium() as opened, browser.looking(opened, f"http://127.0.0.1:{site.port}/?q={name}") as look:
        look.page.evaluate(watch, name)
        change(database, ServiceStatus.HEALTHY)
        time.sleep(3)
        for number in range(rounds):
            before = look.page.evaluate("window.seen.length")
            committed = change(database, (ServiceStatus.UNHEALTHY, ServiceStatus.HEALTHY)[number % 2])
            look.page.wait_for_function("known => window.seen.length > known", arg=before, timeout=20_000)
            took.append(look.page.evaluate("window.seen.at(-1)") - committed)
            time.sleep(chance.random() * 2)
    return spread(took)


def spread(values: list[float]) -> dict[str, Any]:
    return {"median_ms": 1_000 * statistics.median(values), "slowest_ms": 1_000 * max(values), "rounds": len(values)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench web", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--services", type=int, nargs="*", default=[17, 1_000])
    parser.add_argument("--only", choices=PARTS, nargs="*", default=PARTS)
    parser.add_argument("--json", type=Path, help="write the results here, too")
    options = parser.parse_args()
    results: dict[str, Any] = {"python": platform.python_version(), "load": os.getloadavg()}
    print(f"Python {platform.python_version()}, {options.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for count in options.services if set(options.only) - {"punctuality"} else ():
        results[f"{count} services"] = of_site(count, options.only, options.rounds)
    if "punctuality" in options.only:
        results["punctuality"] = web_viewers.punctuality(VIEWERS)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def of_site(count: int, parts: list[str], rounds: int) -> dict[str, Any]:
    """Measure what can be asked of a served database."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="hm-") as directory, served(Path(directory), count) as (site, server):
        database = open_for_writing(site.config.paths.database)
        if "answers" in parts:
            found["answers"] = answers(site, server, database, count, rounds)
        others: dict[str, Callable[[Site, Connection, int], dict[str, Any]]] = {"live": live, "screen": screen}
        for name, measure in others.items():
            if name in parts:
                found[name] = measure(site, database, rounds)
                print(f"{count:>6} services  {name}: median {found[name]['median_ms']:.0f} ms, slowest {found[name]['slowest_ms']:.0f} of {rounds}")
        database.close()
    return found


if __name__ == "__main__":
    main()
