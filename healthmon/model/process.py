"""How is one of our own processes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


TOTAL = "total"  # stands for all processes together where else a program's name stands


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSample:
    """The figures of one process of ours at one moment.

    `uss_bytes` is what would be free if it ended; `pss_bytes` counts its share of what it has in common with others,
    so that the sum over all processes is what the agent costs. `cpu_s` is since the process began; of the total, since
    supervisord began, with what ended since.
    """

    program: str
    pid: int
    sampled_at: datetime
    rss_bytes: int
    pss_bytes: int
    uss_bytes: int
    cpu_s: float
    threads: int
    open_files: int
