"""How hard is the host itself pressed?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPressure:
    """What the kernel says of the last ten seconds, or of now; None where it does not tell.

    `*_stalled_percent` is the share of the time in which something waited for it (the kernel's `some avg10`).
    """

    cpu_stalled_percent: float | None
    memory_stalled_percent: float | None
    io_stalled_percent: float | None
    load_per_cpu: float | None  # the load of the last minute
    memory_available_percent: float | None
    disk_free_percent: float | None  # where our data lies
    inodes_free_percent: float | None

    def lines(self) -> list[str]:
        """Return it for people."""
        shares = {
            "waiting for CPU": self.cpu_stalled_percent,
            "waiting for memory": self.memory_stalled_percent,
            "waiting for disks": self.io_stalled_percent,
            "memory available": self.memory_available_percent,
            "disk free": self.disk_free_percent,
            "inodes free": self.inodes_free_percent,
        }
        lines = [f"{name}: {'unknown' if share is None else f'{share:.1f} %'}" for name, share in shares.items()]
        return [*lines, f"load of each CPU: {'unknown' if self.load_per_cpu is None else f'{self.load_per_cpu:.2f}'}"]
