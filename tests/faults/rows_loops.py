"""Faults inside of a worker, planted: its loop hangs, it leaks, it runs out of memory. F06-loop, F14, leaks."""

from __future__ import annotations

import resource
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil

from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.controls import caught, planted
from tests.faults.harness import row, since
from tests.faults.neighbours import Well, assert_never_unhealthy
from tests.faults.planted_workers import BUSY_S, NO_MORE_BUSY, PLANTED

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLACED_WITHIN_S = 45.0
LIMIT_MB = 60
ROOM_BYTES = 60 * 2**20


@contextmanager
def _agent_with(bug: str, **settings: Any) -> Iterator[Agent]:
    """Run a build with this bug over a service that is well."""
    environment = {PLANTED: bug}
    with planted("tests.faults.planted_workers"), Well() as well, agent([well.service()], environment=environment, **settings) as host:
        yield host


def _await_replaced(host: Agent, name: str, before: dict[str, int], timeout_s: float) -> None:
    """Wait until this worker is another process, and see to it that no other one is."""
    host.wait_until_replaced(name, before=before, timeout_s=timeout_s)
    others = {other: pid for other, pid in host.pids().items() if other != name}
    assert others == {other: pid for other, pid in before.items() if other != name}, "other workers were replaced, too"


def _hung_loop(bug: str) -> float:
    with _agent_with(bug) as host:
        before = host.pids()
        host.wait_for_checks(above=1)
        began = time.monotonic()
        _await_replaced(host, "probe-core", before, REPLACED_WITHIN_S)
        took = since(began)
        assert "no_heartbeat" in host.log("watchdog"), "nobody was told"
        assert_never_unhealthy(host)
        host.assert_sound()
        return took


@row("F06-loop", "a worker whose loop hangs, while its process lives, is replaced", bound_s=45, in_ci=False)
def hung_loop() -> float:
    return _hung_loop("hang")


@row("F06-control", "a planted bug (heartbeats from a thread of their own) is caught by the same harness", bound_s=90, in_ci=False)
def hung_loop_with_a_beating_thread() -> float:
    return caught(partial(_hung_loop, "deaf_hang"), saying="probe-core to be replaced")


@row("F14", "a worker at its memory limit: it alone ends, says why, and is replaced", bound_s=20)
def out_of_memory() -> float:
    with _agent_with("leak", watchdog={"max_memory_mb": 4_000}) as host:
        host.bugs_are_expected = True  # it says where its memory ended
        before = host.pids()
        process = psutil.Process(before["probe-core"])
        limit = process.memory_info().vms + ROOM_BYTES
        process.rlimit(resource.RLIMIT_AS, (limit, limit))
        began = time.monotonic()
        _await_replaced(host, "probe-core", before, 40)
        took = since(began)
        assert "out_of_memory" in host.log("probe-core"), "it does not say why it ended"
        host.wait_for_checks(above=host.checks(), what="checks of the new one")
        assert_never_unhealthy(host)
        host.assert_sound()
        return took


@row("leak", "a worker that leaks is recycled after three samples over the limit, and it alone", bound_s=20, in_ci=False)
def leaking_worker() -> float:
    with _agent_with("leak", watchdog={"max_memory_mb": LIMIT_MB, "sample_seconds": 1}) as host:
        before = host.pids()
        began = time.monotonic()
        _await_replaced(host, "probe-core", before, 40)
        took = since(began)
        over = f"FROM process_samples WHERE pid = {before['probe-core']} AND uss_bytes > {LIMIT_MB * 2**20}"
        [(samples,)] = host.rows(f"SELECT count(*) {over}")
        assert samples in {3, 4}, f"it was recycled after {samples} samples over the limit"  # one may fall into its end
        assert host.log("watchdog").count("leaking") == 1, "it was not told once"
        said = (host.paths.logs / "supervisord.log").read_text()
        assert "exited: probe-core (exit status 0" in said, "it was not asked to end, but killed"
        assert_never_unhealthy(host)
        return took


@row("leak-busy", "a healer over the limit that is busy is recycled only when it is not any more", bound_s=10, in_ci=False)
def leaking_busy_worker() -> float:
    with _agent_with("busy_leak", watchdog={"max_memory_mb": LIMIT_MB, "sample_seconds": 1}) as host:
        before = host.pids()
        done = host.paths.data_dir / NO_MORE_BUSY
        wait_for(lambda: "recycling_waits" in host.log("watchdog"), timeout_s=20, what="the watchdog to notice")
        wait_for(lambda: done.exists() or host.pids()["healer"] != before["healer"], timeout_s=2 * BUSY_S, what="its work to end")
        began = time.monotonic()
        assert done.exists(), "it was recycled while it was busy"
        _await_replaced(host, "healer", before, 20)
        assert host.log("watchdog").count("recycling_waits") == 1, "that it waits was not told once"
        return since(began)
