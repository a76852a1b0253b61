"""The part of the keeper that deletes what is older than it is to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import reach
from healthmon.history.retention import cutoff, due
from healthmon.history.settings import kept
from healthmon.status.uptime import hour_of
from healthmon.store import retention
from healthmon.store.retention import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from healthmon.config import Config
    from healthmon.log import Log
    from healthmon.store.connection import Connection
    from healthmon.store.retention import Kind

EVERY_S = 600.0
BATCH = 500  # rows in one transaction: a few milliseconds
REST = 4.0  # how much longer than each transaction took the database is left to others


class Pruning:
    """Each step deletes one batch; a pass over all kinds is made every few minutes."""

    def __init__(self, config: Config, connection: Connection, log: Log) -> None:
        self._kept = kept(config.dashboard.retention_days, config.retention)
        self._connection = connection
        self._log = log
        self._lived_at = clock.boottime() - EVERY_S
        self._next_at = clock.monotonic()
        self._work: Iterator[int] | None = None
        self._deleted: dict[str, int] = {}

    def step(self) -> float:
        """Delete a batch of what is old; return the seconds until the next."""
        begun = clock.monotonic()
        if begun < self._next_at:
            return self._next_at - begun
        if self._work is None:
            self._work = self._batches()
        try:
            is_over = next(self._work, None) is None
        except BaseException:
            self._work = None  # what was not deleted is as old at the next try
            raise
        pause_s = REST * (clock.monotonic() - begun)
        if is_over:
            self._finish()
            pause_s = EVERY_S
        self._next_at = clock.monotonic() + pause_s
        return pause_s

    def _finish(self) -> None:
        self._work = None
        if self._deleted:
            self._log.info("pruned", **self._deleted)
            self._deleted = {}

    def _batches(self) -> Iterator[int]:
        """Delete what is old, kind by kind; yield after each transaction."""
        lived_s = clock.boottime() - self._lived_at
        self._lived_at = clock.boottime()
        now = clock.now()
        for name, days in self._kept.items():
            for kind in KINDS[name]:
                before = self._before(name, kind, days, now, lived_s)
                while deleted := retention.delete(self._connection, kind, before=before, limit=BATCH):
                    reach("keeper.deleted")
                    self._deleted[name] = self._deleted.get(name, 0) + deleted
                    yield deleted
                retention.note_reached(self._connection, kind, before)

    def _before(self, name: str, kind: Kind, days: timedelta, now: datetime, lived_s: float) -> datetime:
        reached = retention.reached(self._connection, kind, due(now, days))
        before = cutoff(reached, now=now, kept=days, lived_s=lived_s)
        needed = retention.oldest_needed(self._connection) if name == "checks" else None
        return before if needed is None else min(before, hour_of(needed))
