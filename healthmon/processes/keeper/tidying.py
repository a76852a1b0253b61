"""The part of the keeper that writes the `-wal` into the database, and gives free pages back to the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.processes.keeper.guarding import Guarding
from healthmon.store import checks, space

if TYPE_CHECKING:
    from healthmon.log import Log
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

LOOK_EVERY_S = 5.0
MIB = 2**20
CHECKPOINT_BYTES = 2 * MIB  # half of what has a writer do it, while a probe's commit waits
TRUNCATE_BYTES = 16 * MIB
ALERT_BYTES = 64 * MIB
SPACE_EVERY_S = 60.0
GIVE_BACK_PAGES = 32  # in one transaction
SPARE_SHARE = 0.05  # of the pages: so many free ones are kept, for what comes next
SPARE_PAGES = 256


class Tidying:
    """Looks at the `-wal` every few seconds, and at the free pages every minute."""

    def __init__(self, paths: Paths, connection: Connection, log: Log) -> None:
        self._connection = connection
        self._log = log
        self._guarding = Guarding(paths, connection, log)
        self._look_at = self._space_at = clock.monotonic()
        self._is_large = False
        self._commits_seen = -1

    def step(self) -> float:
        """Do what is due; return the seconds until the next look."""
        now = clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            self._write_back()
        if now >= self._space_at:
            self._space_at = clock.monotonic() + (self._give_back() or SPACE_EVERY_S)
            space.note_size(self._connection, now=clock.now())
        return max(0.0, min(self._look_at, self._space_at) - clock.monotonic())

    def _write_back(self) -> None:
        commits = checks.commits_elsewhere(self._connection)  # also finds out whether the database is still there
        self._guarding.look()
        if commits == self._commits_seen:
            return
        self._commits_seen = commits
        size = space.wal_bytes(self._connection.path)
        if size >= CHECKPOINT_BYTES:
            self._guarding.write_back(truncate=size >= TRUNCATE_BYTES)
        if size >= ALERT_BYTES and not self._is_large:
            message = f"{self._connection.path.name}-wal has {size // MIB} MiB: something has been reading the database for long, a forgotten sqlite3 for one"
            self._log.error("ALERT", type="wal_large", message=message)
        self._is_large = size >= ALERT_BYTES

    def _give_back(self) -> float:
        """Give some free pages back; return the seconds until more are to be, 0 when none are."""
        found = space.measure(self._connection)
        if not found.gives_back or found.free <= max(SPARE_PAGES, found.pages * SPARE_SHARE):
            return 0.0
        begun = clock.monotonic()
        space.give_back(self._connection, GIVE_BACK_PAGES)
        return 4 * (clock.monotonic() - begun)
