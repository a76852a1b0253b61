"""Faults of a configuration that is applied while everything runs: bad files (F50), many at once and killed ones (F53)."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path

from healthmon.errors import EXIT_FAILED
from healthmon.failpoints import ENVIRONMENT
from tests.faults.edited import edited
from tests.faults.harness import row, since
from tests.reloading import EVERY_S, Host
from tests.unit.test_configuring import BAD

RELOADS, WITHIN_S = 100, 10.0
POINTS = ("reload.read", "reload.checked", "reload.applied", "reload.programs_written", "reload.added", "reload.stopped", "reload.converged")


@row("F50", "14 kinds of bad files are applied: each refused in time and said, everything goes on as before", bound_s=5, in_ci=False)
def bad_files() -> float:
    slowest = 0.0
    with edited() as host:
        began, pids = time.monotonic(), host.pids()
        for name, text in BAD.items():
            host.source.write_bytes(text if isinstance(text, bytes) else text.replace("%s", str(host.directory)).encode())
            asked = time.monotonic()
            done = host.healthmon("reload")
            slowest = max(slowest, since(asked))
            assert done.returncode == 2, f"{name}: {done.returncode} {done.stderr}"
            assert "nothing was changed" in done.stderr, f"{name}: {done.stderr}"
            assert "agents" in host.healthmon("report").stdout, f"after {name} nobody can see how things are"
        assert (host.number(), host.pids()) == (1, pids), "a refused file has changed something"
        gap_s = max(host.target.longest_gap_s(name, began) for name in ("a", "b"))
        assert gap_s < 2 * EVERY_S, f"a service was not looked at for {gap_s:.1f} s"
    return slowest


@row("F53", "100 reloads within 10 s: the last one counts, no process starts anew and no look is missed", bound_s=10, in_ci=False)
def storm() -> float:
    with edited() as host:
        began, pids = time.monotonic(), host.pids()
        for number in range(RELOADS):
            host.write("core/a", *(["agents/b", f"extra/n{number}"] if number % 2 else [f"core/n{number}", "agents/b"]))
            host.agent.send_signal(signal.SIGHUP)
            time.sleep(WITHIN_S / RELOADS)
        host.write("core/a", "agents/b", "last/z")
        ended = time.monotonic()
        host.reload()
        found = host.wait_for_groups("core", "agents", "last")
        took = since(ended)
        assert {name: found[name] for name in pids} == pids, "a process was started anew"
        names = host.rows("SELECT service_name FROM service_status ORDER BY 1")
        assert names == [("a",), ("b",), ("z",)], f"these are watched: {names}"
        gap_s = host.target.longest_gap_s("b", began)
        assert gap_s < 2 * EVERY_S, f"a service was not looked at for {gap_s:.1f} s"
        return took


@row("F53-kill", "a reload is killed at each of its seven steps: the old or the new counts, and soon all of it", bound_s=15, in_ci=False)
def killed() -> float:
    return max(map(_killed_at, POINTS))


def _killed_at(point: str) -> float:
    """Have the agent's own reload end at a point; return how long it takes until programs agree with what counts."""
    with tempfile.TemporaryDirectory() as aside:
        marker = Path(aside, "killed")
        marker.touch()  # until then nothing is killed: the start of an agent passes some of these points, too
        with edited(**{ENVIRONMENT: f"{point}@{marker}"}) as host:
            marker.unlink()
            return _recovered_in(host, point)


def _recovered_in(host: Host, point: str) -> float:
    pids = host.pids()
    host.write("core/a", "turned/b")
    done = host.healthmon("reload")
    began = time.monotonic()
    assert done.returncode == EXIT_FAILED, f"{point}: {done.returncode} {done.stderr}"
    groups = ("core", "turned") if host.number() > 1 else ("core", "agents")
    found = host.wait_for_groups(*groups)
    took = since(began)
    assert found["probe-core"] == pids["probe-core"], f"{point}: a process was started anew"
    host.reload()
    host.wait_for_groups("core", "turned")
    return took
