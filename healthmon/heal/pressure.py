"""Is the host so busy that an answer which came too late says nothing of who gave it?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from healthmon.model.host_pressure import HostPressure

MAX_CPU_STALLED_PERCENT = 80.0  # of the last 10 s, somebody waited for a processor so long
MAX_LOAD_PER_CPU = 4.0
MIN_MEMORY_AVAILABLE_PERCENT = 3.0
BELIEVED = timedelta(seconds=90)  # so long the last word is believed that the host is short of something


def shortages(seen: HostPressure) -> dict[str, str]:
    """Return all that is short, each in words; nothing while the host is well, or does not tell."""
    cpu, load, memory = seen.cpu_stalled_percent, seen.load_per_cpu, seen.memory_available_percent
    found = {}
    if cpu is not None and cpu > MAX_CPU_STALLED_PERCENT:
        found["cpu"] = f"processes wait for a processor {cpu:.0f} % of the time"
    if load is not None and load > MAX_LOAD_PER_CPU:
        found["load"] = f"the load is {load:.1f} for each processor"
    if memory is not None and memory < MIN_MEMORY_AVAILABLE_PERCENT:
        found["memory"] = f"only {memory:.1f} % of the memory is available"
    return found
