"""How much memory and CPU does a container use, by the engine's statistics?

Memory is what `docker stats` shows: without the file cache that the kernel gives back whenever it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthmon.heal.docker_words import Json, read_time

if TYPE_CHECKING:
    from datetime import datetime

CACHE = ("total_inactive_file", "inactive_file")  # as cgroups v1 and v2 call it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at one run of a container. The limit is the host's memory where the container has none."""

    at: datetime
    memory_bytes: int
    memory_limit_bytes: int
    cpu_ns: int  # since the run began


def read_usage(stats: Json) -> Reading | None:
    """Read the engine's answer; None where it has no numbers: for a stopped container, or a cgroup that it cannot read."""
    at, memory, cpu = read_time(stats.get("read")), stats.get("memory_stats"), stats.get("cpu_stats")
    if at is None or not isinstance(memory, Mapping) or not isinstance(cpu, Mapping):
        return None
    used, limit = memory.get("usage"), memory.get("limit")
    if not used or not limit:
        return None
    return Reading(
        at=at,
        memory_bytes=int(used) - _cache(memory.get("stats"), int(used)),
        memory_limit_bytes=int(limit),
        cpu_ns=int(cpu["cpu_usage"]["total_usage"]),
    )


def memory_percent(reading: Reading) -> float:
    return 100.0 * reading.memory_bytes / reading.memory_limit_bytes


def cpu_percent(before: Reading, after: Reading) -> float | None:
    """Return the CPU between two looks, in percent of one core; None where they are not of one run, or in one moment."""
    took_s = (after.at - before.at).total_seconds()
    used_s = (after.cpu_ns - before.cpu_ns) / 1e9
    return 100.0 * used_s / took_s if took_s > 0 and used_s >= 0 else None


def _cache(details: Any, used: int) -> int:
    found: Json = details if isinstance(details, Mapping) else {}
    cache = next((int(found[name]) for name in CACHE if name in found), 0)
    return cache if cache < used else 0
