"""How fast is what is ill restarted, beside the way in which docker-autoheal works, on the same engine and containers?

Times begin with the engine's verdict (`health_status: unhealthy`), by its own clock in its own event, or with the moment in
which a program was stopped. They end when the request of the restart arrives at the engine, which a proxy before it sees,
and, as `signals`, with the first signal that the engine's events tell of: in between works the engine alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import socket
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from healing import (  # beside this file
    STAYS,
    Bench,
    agent,
    autoheal,
    coming_and_going,
    healthy,
    is_healer,
    query,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STUBBORN = ("sh", "-c", "trap : TERM; while :; do sleep 1000 & wait; done")
WEDGEABLE = ("sh", "-c", "mkdir -p /www; echo ok >/www/index.html; httpd -f -p 80 -h /www & trap 'exit 0' TERM; while :; do wait; done")
OPEN_OUTAGES = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL"
CROWDED: dict[str, Any] = {"storm_guard": True, "max_restart_attempts": 3, "restart_cooldown_minutes": 5, "forensics": False}


@dataclass(frozen=True, kw_only=True)
class Times:
    """What was measured in one case. Seconds."""

    case: str
    wanted: str
    seconds: list[float] = field(default_factory=list)
    signals: list[float] = field(default_factory=list)
    note: str = ""

    def said(self) -> str:
        parts = [f"{name}{shown(measured)}" for name, measured in (("", self.seconds), ("to the signal: ", self.signals)) if measured]
        return "  ".join([f"{self.case:<64}", *parts, f"wanted: {self.wanted}", self.note])


def shown(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"n={len(ordered):<4}p50={statistics.median(ordered):6.3f} s  p99={ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]:6.3f} s"


def verdicts(bench: Bench, rounds: int, case: str, wanted: str, containers: list[tuple[str, str]]) -> Times:
    """Have one container after the other called ill, and time the restart."""
    issued, signals = [], []
    for number in range(rounds):
        _, container = containers[number % len(containers)]
        flag = bench.flag(f"ill-{number % len(containers)}")
        since = time.time()
        time.sleep(0.37 * (number % 13) / 13)  # whatever polls is not met in step
        flag.touch()
        verdict = bench.events.wait(container, "health_status: unhealthy", since=since)
        signals.append(bench.events.wait(container, "kill", since=verdict) - verdict)
        issued.append(bench.requests.restart(container, since=verdict) - verdict)
        flag.unlink()
        bench.events.wait(container, "health_status: healthy", since=verdict)
        time.sleep(0.6)
    return Times(case=case, wanted=wanted, seconds=issued, signals=signals)


def measure_verdicts(bench: Bench, rounds: int, *, forensics: bool) -> Times:
    containers = [bench.checked(f"ill-{number}") for number in range(4)]
    with agent([a_service(name) for name, _ in containers], bench.directory, host=bench.requests.host, forensics=forensics):
        case, wanted = ("on", "p99 <= 0.400") if forensics else ("off", "p50 <= 0.025, p99 <= 0.100")
        return verdicts(bench, rounds, f"Docker's verdict to restart, forensics {case}", wanted, containers)


def measure_autoheal(bench: Bench, rounds: int) -> Times:
    containers = [bench.checked(f"ill-{number}") for number in range(4)]
    time.sleep(3.0)
    with autoheal(bench.requests.host):
        return verdicts(bench, max(6, rounds // 4), "the same, docker-autoheal's loop", "(beside)", containers)


def a_service(name: str) -> dict[str, Any]:
    return {"name": name, "type": "docker", "container": name, "retry_interval_seconds": 0.1}


def measure_wedged(bench: Bench, rounds: int) -> Times:
    """An HTTP server that accepts and never answers any more: its process is stopped by a signal."""
    name, network, port = bench.docker.name(), bench.docker.network(), a_free_port()
    container = bench.docker.run(*WEDGEABLE, options=("--network", network, "--publish", f"127.0.0.1:{port}:80"), name=name)
    times = {"interval_seconds": 1, "retry_interval_seconds": 0.25, "timeout_seconds": 0.1}
    service = {"name": "page", "url": f"http://127.0.0.1:{port}/", "container": name, **times}
    issued, signals = [], []
    with agent([service], bench.directory, host=bench.requests.host) as data:
        for number in range(rounds):
            time.sleep(1.0 + number * 0.37 % 1.0)  # at any moment between two looks
            [server] = psutil.Process(bench.docker.inspect(container)["State"]["Pid"]).children()
            since = time.time()
            server.send_signal(signal.SIGSTOP)
            with telling_why(data):
                signals.append(bench.events.wait(container, "kill", since=since) - since)
            issued.append(bench.requests.restart(container, since=since) - since)
            wait_for(lambda: healthy(data) == 1 and query(data, OPEN_OUTAGES) == [(0,)], "the page to be well again")
    return Times(case="wedged HTTP, 1 s interval, retry 0.25 s: bad to restart", wanted="median <= 1.5", seconds=issued, signals=signals, note="timeout 0.1 s")


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def telling_why(data: Path) -> Iterator[None]:
    """When nothing happens in time, say what healing says about it."""
    try:
        yield
    except TimeoutError as error:
        said = query(data, "SELECT healing FROM incidents WHERE resolved_at IS NULL")
        raise TimeoutError(f"{error}; healing: {said}") from error


def a_crowd(bench: Bench) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Make 40 services; return the ten that can be made ill, of which the last takes 90 s to stop, and all as settings."""
    ill = [bench.checked("crowd") for _ in range(9)] + [bench.checked("crowd", "--stop-timeout", "90", command=STUBBORN)]
    well = [(name := bench.docker.name(), bench.docker.run(*STAYS, name=name)) for _ in range(30)]
    return ill, [a_service(name) for name, _ in (*ill, *well)]


def measure_crowd(bench: Bench) -> Times:
    ill, services = a_crowd(bench)
    with agent(services, bench.directory, **CROWDED, host_budget_per_10_minutes=20, host_budget_per_hour=20):
        since = time.time()
        bench.flag("crowd").touch()
        seen = [bench.events.wait(container, "health_status: unhealthy", since=since) for _, container in ill]
        issued = [bench.events.wait(container, "kill", since=since) for _, container in ill]
        bench.flag("crowd").unlink()
        others = [max(0.0, at - max(seen)) for at in issued[:-1]]
        bench.docker.cli("kill", ill[-1][1])
    return Times(case="40 services, 10 ill at once, one stops for 90 s: the other nine", wanted="all <= 5 after the last verdict", seconds=others)


def measure_budget(bench: Bench) -> Times:
    ill, services = a_crowd(bench)
    with agent(services, bench.directory, **CROWDED, host_budget_per_10_minutes=5, host_budget_per_hour=20) as data:
        since = time.time()
        bench.flag("crowd").touch()
        for _, container in ill:
            bench.events.wait(container, "health_status: unhealthy", since=since)
        time.sleep(6.0)
        heals = query(data, "SELECT count(DISTINCT service_id) FROM heals")[0][0]
        reasons = query(data, "SELECT healing_reason, count(*) FROM incidents WHERE resolved_at IS NULL GROUP BY 1")
        named = ", ".join(f"{count} {reason}" for reason, count in reasons)
        bench.flag("crowd").unlink()
        bench.docker.cli("kill", ill[-1][1])
    return Times(case="the same at the default budget of 5", wanted="each issued or queued with a reason", note=f"{heals} issued; open outages: {named}")


def measure_idle(bench: Bench, window_s: float, *, foreign: bool) -> Times:
    """50 containers that do nothing, all of them services; `foreign`: while others that are none come and go, one each second."""
    names = [bench.docker.name() for _ in range(50)]
    for name in names:
        bench.docker.run(*STAYS, name=name)
    with agent([{"name": name, "type": "docker", "container": name} for name in names], bench.directory, forensics=True) as data:
        [healer] = [one for one in psutil.process_iter() if is_healer(one, data)]
        time.sleep(30)
        came: list[str] = []
        with contextlib.ExitStack() as stack:
            if foreign:
                stack.enter_context(coming_and_going(bench, came))
            before, began = sum(healer.cpu_times()[:2]), time.monotonic()
            time.sleep(window_s)
            share = (sum(healer.cpu_times()[:2]) - before) / (time.monotonic() - began)
    case = f"the healer, 50 containers that are services{', while foreign ones come and go' if foreign else ', idle'}"
    note = f"{100 * share:.3f} % of a core over {window_s:.0f} s" + (f", {len(came)} came and went" if foreign else "")
    return Times(case=case, wanted="(beside)" if foreign else "<= 0.05 %", note=note)


CASES: dict[str, Callable[[Bench, int], Times]] = {
    "verdicts": lambda bench, rounds: measure_verdicts(bench, rounds, forensics=False),
    "forensics": lambda bench, rounds: measure_verdicts(bench, rounds, forensics=True),
    "autoheal": measure_autoheal,
    "wedged": lambda bench, rounds: measure_wedged(bench, max(10, rounds // 2)),
    "crowd": lambda bench, _: measure_crowd(bench),
    "budget": lambda bench, _: measure_budget(bench),
    "idle": lambda bench, _: measure_idle(bench, 120.0, foreign=False),
    "foreign": lambda bench, _: measure_idle(bench, 60.0, foreign=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", choices=CASES, action="append", help="several times for several cases")
    parser.add_argument("--json", type=Path, help="add the results to this file, in place of those of the same cases")
    arguments = parser.parse_args()
    for name in arguments.only or CASES:
        with tempfile.TemporaryDirectory() as directory:
            bench, load = Bench(Path(directory)), os.getloadavg()
            try:
                times = CASES[name](bench, arguments.rounds)
            finally:
                bench.close()
        print(times.said(), flush=True)
        if arguments.json:
            keep(arguments.json, name, times, load)


def keep(path: Path, name: str, times: Times, load: tuple[float, float, float]) -> None:
    """Write one case's result beside those that are there."""
    conditions = {"at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "python": platform.python_version(), "cores": os.cpu_count(), "kernel": platform.release(), "load": load}
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(found | {name: {**asdict(times), "conditions": conditions}}, indent=2) + "\n")


if __name__ == "__main__":
    main()
