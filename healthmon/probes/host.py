"""Is this host within its limits: disk, inodes, memory, load, and the time lost waiting for them?"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from healthmon import clock
from healthmon.model.check import CheckReason, Outcome
from healthmon.probes.classify import outcome
from healthmon.probes.limits import judged, measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.probes.limits import Limited
    from healthmon.probes.settings import ProbeSettings

RESOURCES = ("cpu", "memory", "io")
_LAST_MINUTE = re.compile(r"^some .*\bavg60=(\S+)", re.MULTILINE)


class HostProbe:
    """Measures what there is to measure; a kernel that knows no pressure has none."""

    def __init__(self, settings: ProbeSettings) -> None:
        self._wanted = settings.host

    def ask(self) -> Outcome:
        began_s = clock.monotonic()
        try:
            found = [*self._disk(), *self._memory(), *self._pressure()]
        except OSError as error:
            return outcome(CheckReason.LIMIT, f"{self._wanted.path} cannot be looked at: {error.strerror or error}")
        return judged(found, took_s=clock.monotonic() - began_s)

    def _disk(self) -> Iterator[Limited]:
        there = os.statvfs(self._wanted.path)
        used = there.f_blocks - there.f_bfree
        yield measured("disk", _percent(used, used + there.f_bavail), "%", self._wanted.max_disk_percent)  # as df: without what root keeps
        if there.f_files:
            yield measured("inodes", _percent(there.f_files - there.f_ffree, there.f_files), "%", self._wanted.max_inodes_percent)

    def _memory(self) -> Iterator[Limited]:
        yield measured("memory", psutil.virtual_memory().percent, "%", self._wanted.max_memory_percent)
        yield measured("load_per_core", round(os.getloadavg()[1] / (os.cpu_count() or 1), 2), "", self._wanted.max_load_per_core)

    def _pressure(self) -> Iterator[Limited]:
        for resource in RESOURCES:
            try:
                told = _LAST_MINUTE.search(Path("/proc/pressure", resource).read_text(encoding="ascii"))
            except OSError:
                continue
            if told is not None:
                yield measured(f"pressure_{resource}", float(told[1]), "%", self._wanted.max_pressure_percent)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
