"""What does a tree of processes use? Read from the kernel, of every process in it, those included that have ended."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Use:
    """At one moment. CPU and wake-ups count from the beginning of each process."""

    at: float
    cpu_s: float
    wakeups: int
    pss_mib: float
    rss_mib: float
    uss_mib: float
    processes: int
    threads: int


def use(roots: list[int]) -> Use:
    """Measure the processes `roots` and all that they started."""
    at, cpu_s, wakeups, threads = time.monotonic(), 0.0, 0, 0
    pss = rss = uss = 0.0
    found = _with_children(roots)
    for process in found:
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            cpu_s += _cpu_s(process)
            memory = process.memory_full_info()
            pss, rss, uss = pss + memory.pss / MIB, rss + memory.rss / MIB, uss + memory.uss / MIB
            threads += process.num_threads()
            wakeups += _wakeups(process.pid)
    return Use(
        at=at, cpu_s=cpu_s, wakeups=wakeups, pss_mib=pss, rss_mib=rss, uss_mib=uss, processes=len(found), threads=threads
    )


def _with_children(roots: list[int]) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for root in roots:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(root)
            found |= {one.pid: one for one in (process, *process.children(recursive=True))}
    return list(found.values())


def _cpu_s(process: psutil.Process) -> float:
    """Return what a process, its threads that ended and its children that ended have used.

    From its own clock, to the nanosecond: the hundredths of /proc/PID/stat are as much as an idle process uses in ten seconds.
    """
    times = process.cpu_times()
    return time.clock_gettime((~process.pid << 3) | 2) + float(times.children_user + times.children_system)


def _wakeups(pid: int) -> int:
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            total += next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("voluntary"))
    return total
