"""How hard is this host pressed now? Asks the kernel alone; what it does not tell is not known."""

from __future__ import annotations

import os
import re
from pathlib import Path

from healthmon.model.host_pressure import HostPressure

_SOME = re.compile(r"^some avg10=([\d.]+)", re.MULTILINE)
_MEMORY = re.compile(r"^(MemTotal|MemAvailable):\s+(\d+) kB", re.MULTILINE)


def read_pressure(directory: Path) -> HostPressure:
    """Look once; `directory` is where our data lies."""
    disk, inodes = _free(directory)
    return HostPressure(
        cpu_stalled_percent=_stalled("cpu"),
        memory_stalled_percent=_stalled("memory"),
        io_stalled_percent=_stalled("io"),
        load_per_cpu=_load(),
        memory_available_percent=_memory(),
        disk_free_percent=disk,
        inodes_free_percent=inodes,
    )


def _stalled(resource: str) -> float | None:
    found = _SOME.search(_read(f"/proc/pressure/{resource}"))
    return None if found is None else float(found[1])


def _load() -> float | None:
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        return None


def _memory() -> float | None:
    found = {name: int(size) for name, size in _MEMORY.findall(_read("/proc/meminfo"))}
    total = found.get("MemTotal", 0)
    return 100.0 * found["MemAvailable"] / total if total and "MemAvailable" in found else None


def _free(directory: Path) -> tuple[float | None, float | None]:
    try:
        found = os.statvfs(directory)
    except OSError:
        return None, None
    return _percent(found.f_bavail, found.f_blocks), _percent(found.f_favail, found.f_files)


def _percent(free: int, of: int) -> float | None:
    return 100.0 * free / of if of else None  # some file systems count no inodes


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
