"""Faults of processes, supervisor and signals: F05 to F11."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial

import psutil

from tests.containers import wait_for
from tests.faults.harness import Agent, agent, row, since


@row("F05", "a probe worker is killed again and again", bound_s=10, in_ci=False)
def killed_prober() -> float:
    with agent() as host:
        worst = 0.0
        for _ in range(5):
            pid = host.pids()["probe-core"]
            os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            wait_for(partial(_is_new, host, pid), timeout_s=15, what="a new one")
            wait_for(partial(_has_more_checks, host, host.checks()), timeout_s=15, what="its checks")
            worst = max(worst, since(began))
        assert "unhealthy" not in {row[0] for row in host.rows("SELECT reason FROM incidents WHERE reason = 'no_data'")}
        host.assert_sound()
        return worst


def _is_new(host: Agent, dead: int) -> bool:
    return host.pids().get("probe-core", dead) != dead


def _has_more_checks(host: Agent, seen: int) -> bool:
    return host.checks() > seen


@row("F06", "every worker is frozen (SIGSTOP)", bound_s=45)
def frozen_workers() -> float:
    with agent() as host:
        before = host.pids()
        frozen = [name for name in before if name != "watchdog"]
        wait_for(lambda: host.checks() > 1, timeout_s=20, what="some checks")
        began = time.monotonic()
        for name in frozen:
            os.kill(before[name], signal.SIGSTOP)
        wait_for(
            lambda: all(host.pids().get(name, before[name]) != before[name] for name in frozen),
            timeout_s=60,
            what="all to be replaced",
        )
        took = since(began)
        assert host.log("watchdog").count("ALERT") >= len(frozen), "nobody was told"
        assert host.pids()["watchdog"] == before["watchdog"], "the watchdog was replaced as well"
        host.assert_sound()
        return took


@row("F08", "supervisord is frozen: probing goes on, the watchdog says so", bound_s=20)
def frozen_supervisord() -> float:
    with agent() as host:
        before = host.pids()
        began = time.monotonic()
        os.kill(host.process.pid, signal.SIGSTOP)
        wait_for(lambda: "supervisor_unwell" in host.log("watchdog"), timeout_s=30, what="the watchdog to notice")
        took = since(began)
        stored = host.checks()
        wait_for(lambda: host.checks() > stored + 2, timeout_s=20, what="probing to go on")
        os.kill(host.process.pid, signal.SIGCONT)
        wait_for(lambda: "supervisor_answers" in host.log("watchdog"), timeout_s=30, what="it to answer again")
        assert host.pids() == before, "workers were replaced for supervisord's fault"
        host.assert_sound()
        return took


@row("F09", "supervisord is killed: its workers end, a new one has one of each", bound_s=15)
def killed_supervisord() -> float:
    with agent() as host:
        workers = [psutil.Process(pid) for pid in host.pids().values()]
        began = time.monotonic()
        host.process.kill()
        host.process.wait(10)
        host.start()
        _, alive = psutil.wait_procs(workers, timeout=5)
        assert not alive, f"{len(alive)} workers outlived supervisord"
        host.wait_until_running()
        took = since(began)
        stored = host.checks()
        wait_for(lambda: host.checks() > stored, timeout_s=15, what="checks again")
        host.assert_sound()
        return took


@row("F10", "a second agent on the same data is refused, also right after a kill", bound_s=10)
def second_agent() -> float:
    with agent() as host:
        before = host.pids()
        began = time.monotonic()
        second = subprocess.run(
            host.command("run"),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=host.paths.data_dir,
        )
        took = since(began)
        assert second.returncode == 2, f"it ended with {second.returncode}"
        assert "another healthmon" in second.stderr
        assert host.pids() == before
        return took


@row("F11", "a program that dies at every start is revived when the cause is gone", bound_s=75, in_ci=False)
def given_up() -> float:
    """The evaluator's log directory entry is made a directory, so that it dies at its start, and then removed."""
    with agent() as host:
        log = host.paths.log("evaluator")
        kept = log.with_suffix(".kept")
        log.rename(kept)
        log.mkdir()
        os.kill(host.pids()["evaluator"], signal.SIGKILL)
        wait_for(lambda: "given_up" in host.log("watchdog"), timeout_s=120, what="supervisord to give up")
        log.rmdir()
        began = time.monotonic()
        wait_for(lambda: "evaluator" in host.pids(), timeout_s=90, what="it to be revived")
        took = since(began)
        with suppress(FileNotFoundError):
            kept.unlink()
        host.assert_sound()
        return took
