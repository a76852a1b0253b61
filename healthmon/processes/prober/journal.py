"""Where do checks stay until they are committed, and for how long?"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import StoreError, StoreUnavailableError
from healthmon.failpoints import reach
from healthmon.processes.doorbell import AT_ONCE, WHEN_CONVENIENT, ring
from healthmon.store import certificates, checks, performance_data

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from healthmon.log import Log
    from healthmon.model.check import Check
    from healthmon.store.connection import Connection

AWAY_PAUSE_S = 1.0
MAX_KEPT = 10_000  # checks in memory while the database cannot be written
MAX_BATCH = 500  # checks in one transaction


class Journal:
    """Keeps checks until they are committed, and rings for the evaluator then."""

    def __init__(self, connection: Connection, records: Log, evaluator: Path) -> None:
        self.flush_at = float("inf")
        self._connection = connection
        self._records = records
        self._evaluator = evaluator
        self._kept: deque[Check] = deque()
        self._certificates: dict[int, datetime] = {}
        self._dropped = 0
        self._is_away = False
        self._has_news = False

    def add(self, check: Check, *, by: float, is_news: bool) -> None:
        """Take a check that is to be written by a time, unless the database is known to be away."""
        self._has_news = self._has_news or is_news
        if len(self._kept) >= MAX_KEPT:
            self._kept.popleft()
            self._dropped += 1
        self._kept.append(check)
        if not self._is_away:
            self.flush_at = min(self.flush_at, by)

    def flush_when_due(self, now: float) -> None:
        if now >= self.flush_at:
            self._flush()

    def close(self) -> None:
        """Write what is left, once; say what could not be."""
        with suppress(StoreError):  # why the process ends, and told as that
            self._flush()
        if self._kept:
            self._records.error("checks_lost", count=len(self._kept), error="the database could not be written to the end")

    def _flush(self) -> None:
        try:
            while self._kept:
                batch = list(islice(self._kept, MAX_BATCH))
                self._note_certificates(batch)  # before the checks: what fails here is tried again, and they may be written only once
                self._note_performance(batch)
                checks.append(self._connection, batch)
                reach("prober.stored")
                for _ in batch:
                    self._kept.popleft()
                ring(self._evaluator, AT_ONCE if self._has_news else WHEN_CONVENIENT)
        except StoreUnavailableError as error:
            self._keep(error)
            return
        self.flush_at, self._has_news = float("inf"), False
        if self._is_away:
            self._is_away = False
            self._records.info("database_back", dropped=self._dropped)
            self._dropped = 0

    def _note_certificates(self, batch: list[Check]) -> None:
        """Write the certificates' ends that are not what was written last: that is once in some weeks."""
        seen = {check.service_id: check.outcome.cert_expires_at for check in batch if check.outcome.cert_expires_at is not None}
        news = {sid: at for sid, at in seen.items() if self._certificates.get(sid) != at}
        if news:
            certificates.note(self._connection, news)
            self._certificates |= news

    def _note_performance(self, batch: list[Check]) -> None:
        measured = {check.service_id: (check.checked_at, check.outcome.performance) for check in batch if check.outcome.performance}
        if measured:
            performance_data.note(self._connection, measured)

    def _keep(self, error: StoreUnavailableError) -> None:
        self.flush_at = clock.monotonic() + AWAY_PAUSE_S
        if not self._is_away:
            self._is_away = True
            self._records.warning("database_away", kept=len(self._kept), error=str(error))
