"""Faults of time: the wall clock is set (F54), everything of ours is stopped and goes on later (F55)."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from healthmon.demo.ecosystem import DEMO
from healthmon.watch.policy import ProgramState
from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.clocks import Clock
from tests.faults.harness import row, since
from tests.faults.neighbours import Well, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR, YEARS = 3_600, 10 * 365 * 86_400
STEPS = (HOUR, -HOUR, YEARS, -YEARS)
COOLDOWN_S = 36.0  # a restart that did not help is judged after 31
LATE_S = 12.0  # the hold after a step, the next look, the restart itself
STOPPED_S = 60.0
EAGER = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "min_unhealthy_seconds": 1,
    "start_grace_seconds": 1,
    "startup_hold_seconds": 2,
    "restart_cooldown_minutes": COOLDOWN_S / 60,
    "max_restart_attempts": 20,
    "host_budget_per_10_minutes": 20,
    "storm_guard": False,
}


class _WithPrograms(Agent):
    """An agent that also runs the demo's service `ill`, whose program a restart does not heal."""

    def command(self, *words: str) -> list[str]:
        if words == ("run",):
            return [sys.executable, "-P", "-m", "healthmon.demo.agent", str(self.source), str(os.getpid())]
        return super().command(*words)


class _Restarts:
    """Sees from outside when the program was restarted, by a clock that nobody sets."""

    def __init__(self, host: Agent) -> None:
        self._host = host
        self._done = threading.Event()
        self._pid = host.pids().get(DEMO + "ill")
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            pid = self._host.pids().get(DEMO + "ill")
            if pid not in {None, self._pid}:
                self._pid = pid
                self.times.append(time.monotonic())

    def are(self, count: int) -> bool:
        return len(self.times) >= count

    def close(self) -> None:
        self._done.set()
        self._thread.join(5)


@contextmanager
def _host() -> Iterator[tuple[Agent, Clock]]:
    port = free_port()
    with Well() as well, tempfile.TemporaryDirectory(prefix="hm-clock-") as directory:
        clock = Clock(Path(directory))
        services: list[dict[str, Any]] = [
            well.service("well"),
            {
                "name": "ill",
                "url": f"http://127.0.0.1:{port}/health",
                "group": "core",
                "supervisor_program": DEMO + "ill",
                "expect": {"status": [418]},
            },
        ]
        with agent(services, kind=_WithPrograms, environment=clock.environment, self_healing=EAGER) as host:
            wait_for(lambda: host.statuses().get("well") == "healthy", timeout_s=20, what="the first good check")
            yield host, clock


@row("F54", "the wall clock is set by 1 h and 10 years, forward and back: cooldowns stay as long as they are", bound_s=COOLDOWN_S + LATE_S, in_ci=False)
def clock_set() -> float:
    with _host() as (host, clock):
        restarts = _Restarts(host)
        began, stored = time.monotonic(), host.checks()
        for done, size in enumerate(STEPS):
            wait_for(partial(restarts.are, done + 1), timeout_s=90, what="the next restart")
            time.sleep(COOLDOWN_S / 4)  # in the middle of the cooldown
            clock.move(size)
        wait_for(partial(restarts.are, len(STEPS) + 1), timeout_s=90, what="the last restart")
        restarts.close()
        elapsed = since(began)
        gaps = [after - before for before, after in pairwise(restarts.times)]
        assert min(gaps) >= COOLDOWN_S - 1, f"restarts {min(gaps):.1f} s apart, the cooldown is {COOLDOWN_S:.0f} s"
        made = host.checks() - stored
        assert abs(made - 2 * elapsed) <= 0.1 * elapsed + 8, f"{made} checks of 2 services in {elapsed:.0f} s"
        _assert_untouched_by_time(host)
        host.assert_sound()
        return max(gaps)


def _assert_untouched_by_time(host: Agent) -> None:
    wrong = host.rows("SELECT 1 FROM health_checks WHERE service_name = 'well' AND status <> 'healthy'")
    assert wrong == [], "a check of the healthy service failed"
    assert host.statuses()["well"] == "healthy"
    lines = [line for line in host.log("evaluator").splitlines() if "service=well" in line and "service_healthy" not in line]
    assert lines == [], f"the healthy service was spoken of: {lines}"
    assert host.rows("SELECT count(*) FROM incidents") == [(1,)], "the one outage became several incidents"
    backward = "SELECT count(*) FROM heals WHERE issued_at < planned_at OR returned_at < issued_at OR closed_at < returned_at"
    assert host.rows(backward) == [(0,)], "a heal ended before it began"
    assert host.log("evaluator").count("clock_set") == len(STEPS), "a step was not noticed, or noticed twice"


@row("F55", "everything of ours is stopped for a minute and goes on: nothing is declared ill, nobody is killed for it", bound_s=15, in_ci=False)
def all_stopped() -> float:
    with _host() as (host, _clock):
        before = host.pids()
        tree = [host.process.pid, *(child.pid for child in psutil.Process(host.process.pid).children(recursive=True))]
        for pid in tree:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED_S)  # the fault itself
        stored = host.checks()
        for pid in reversed(tree):
            os.kill(pid, signal.SIGCONT)
        began = time.monotonic()
        host.wait_for_checks(above=stored + 1)
        took = since(began)
        time.sleep(5)  # a burst, or a hasty watchdog, would come now
        burst = host.checks() - stored
        assert burst <= 2 * (since(began) + 2), f"{burst} checks at once"
        after = {name: pid for name, pid in host.pids().items() if name != DEMO + "ill"}
        assert after.items() <= before.items(), "a worker was killed for having been stopped"
        assert host.statuses()["well"] == "healthy"
        wrong = host.rows("SELECT 1 FROM health_checks WHERE service_name = 'well' AND status <> 'healthy'")
        assert wrong == [], "a check of the healthy service failed"
        [(coverage,)] = host.rows("SELECT uptime_coverage FROM service_states JOIN services USING (service_id) WHERE service_name = 'well'")
        assert coverage < 90, f"the gap is counted as known: coverage {coverage} %"
        assert all(state is ProgramState.RUNNING for state in (info.state for info in host.rpc.programs())), "a program does not run"
        host.assert_sound()
        return took
