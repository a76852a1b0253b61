"""By which files is a process of ours known to others, and what if somebody removes them?

A lock, so that there is never a second one of it, and a doorbell. A removed file takes neither from the process, but a
second one would see no lock, and nobody would find the doorbell: so both are put back within a few seconds.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.processes import roles

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.log import Log
    from healthmon.paths import Paths
    from healthmon.processes.doorbell import Doorbell

LOOK_EVERY_S = 5.0


class Presence:
    """The lock and the doorbell of one program's process."""

    def __init__(self, program: str, paths: Paths, doorbell: Doorbell, records: Log) -> None:
        self._lock_path = paths.lock(program)
        self._doorbell_path = paths.doorbell(program)
        self._doorbell = doorbell
        self._records = records
        self._lock: int | None = None
        self._look_at = float("-inf")

    def take(self, *, go_on: Callable[[], bool]) -> bool:
        """Wait for the role and listen; return False when `go_on`, which is asked before each try, said no first."""
        self._lock = roles.hold_role(self._lock_path, self._records, go_on=go_on)
        if self._lock is None:
            return False
        self._doorbell.listen(self._doorbell_path)
        return True

    def keep(self) -> bool:
        """Put back what was removed, when it is time to look; return False when our role is another process's by now."""
        now = clock.monotonic()
        if self._lock is None or now < self._look_at:
            return True
        self._look_at = now + LOOK_EVERY_S
        try:
            return self._keep(self._lock)
        except OSError:
            return True  # its directory is gone as well: the watchdog puts that back, and says so

    def _keep(self, held: int) -> bool:
        lock = roles.keep(self._lock_path, held)
        if lock is None:
            self._records.error("role_lost", lock=str(self._lock_path))
            return False
        if lock != held:
            self._lock = lock
            self._records.warning("put_back", file=str(self._lock_path))
        if self._doorbell.put_back():
            self._records.warning("put_back", file=str(self._doorbell_path))
        return True

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
