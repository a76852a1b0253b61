"""What do our processes use? The only file that asks psutil."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from healthmon.model.process import ProcessSample

if TYPE_CHECKING:
    from datetime import datetime


def sample(program: str, pid: int, *, at: datetime) -> ProcessSample | None:
    """Measure one process. None when it is gone, or not ours to look into."""
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
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
