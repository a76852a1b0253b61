"""What do our processes use, and who has the port that we want?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from healthmon.model.process import TOTAL, ProcessSample

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime


def sample_tree(root: int, names: Mapping[int, str], *, without: Collection[int], at: datetime) -> list[ProcessSample]:
    """Measure `root` and everything that it started, directly or not, but for the pids `without` and what they started.

    Return a sample of each process that `names` names, and one of all together.
    """
    pids = _tree(root, without)
    samples = [found for pid in pids if (found := sample(names.get(pid, ""), pid, at=at)) is not None]
    total = ProcessSample(
        program=TOTAL,
        pid=root,
        sampled_at=at,
        rss_bytes=sum(one.rss_bytes for one in samples),
        pss_bytes=sum(one.pss_bytes for one in samples),
        uss_bytes=sum(one.uss_bytes for one in samples),
        cpu_s=sum(one.cpu_s for one in samples) + sum(map(_reaped_cpu_s, pids)),
        threads=sum(one.threads for one in samples),
        open_files=sum(one.open_files for one in samples),
    )
    return [*(one for one in samples if one.program), total]


def sample(program: str, pid: int, *, at: datetime) -> ProcessSample | None:
    """Measure one process. None when it is gone, or cannot be looked into."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            memory = process.memory_full_info()
            times = process.cpu_times()
            return ProcessSample(
                program=program,
                pid=pid,
                sampled_at=at,
                rss_bytes=memory.rss,
                pss_bytes=memory.pss,
                uss_bytes=memory.uss,
                cpu_s=times.user + times.system,
                threads=process.num_threads(),
                open_files=process.num_fds(),
            )
    except (psutil.Error, OSError):
        return None


def is_stopped(pid: int) -> bool:
    """Tell whether a process was stopped by a signal, or by a debugger, and does nothing until it is told to go on."""
    try:
        return psutil.Process(pid).status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    except (psutil.Error, OSError):
        return False


def listeners(port: int) -> list[str]:
    """Return who listens on a TCP port: a name and a pid, or what is known of a process that we may not look into."""
    try:
        listening = [found for found in psutil.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
    except (psutil.Error, OSError):
        return []
    return sorted({_called(found.pid) for found in listening if found.laddr and found.laddr.port == port})


def listening() -> dict[int, str]:
    """Return who listens on which TCP port of this host: the name of the process, empty where we may not look into it."""
    try:
        found = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    except (psutil.Error, OSError):
        return {}
    return {one.laddr.port: _name(one.pid) for one in found if one.laddr}


def _name(pid: int | None) -> str:
    try:
        return "" if pid is None else psutil.Process(pid).name()
    except (psutil.Error, OSError):
        return ""


def _called(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except (psutil.Error, OSError):
        return f"pid {pid}"


def _tree(root: int, without: Collection[int]) -> list[int]:
    """Return pids, each after its parent's. One that begins or ends while we look may be missing: the next sample has it."""
    pids = [root]
    for pid in pids:  # grows meanwhile
        pids += [child for child in _children(pid) if child not in without] if pid not in without else []
    return pids


def _children(pid: int) -> list[int]:
    """Ask the kernel, where it tells: psutil looks at every process of the host, 17 ms of CPU where there are 300."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  a Path for each costs more than to ask the kernel
        return [int(child) for thread in threads for child in Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split()]
    except FileNotFoundError:
        pass  # it has ended, or the kernel was built without
    except OSError:
        return []
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except (psutil.Error, OSError):
        return []


def _reaped_cpu_s(pid: int) -> float:
    """Return what children of a process used that have ended: without it the total would fall with each restart."""
    try:
        times = psutil.Process(pid).cpu_times()
    except (psutil.Error, OSError):
        return 0.0
    return float(times.children_user + times.children_system)
