"""The part of the watchdog that writes into the database when it can: the watchdog itself needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.errors import HealthmonError, StoreBusyError
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.log import Log
    from healthmon.store.connection import Connection

BUSY_TIMEOUT_MS = 100  # the watchdog waits for nobody's lock


class Writing:
    """Keeps one connection as long as it works, and says once that nothing is written."""

    def __init__(self, database: Path, log: Log, *, trouble: str) -> None:
        self._database = database
        self._log = log
        self._trouble = trouble
        self._connection: Connection | None = None
        self._problem = ""

    def write(self, act: Callable[[Connection], None]) -> bool:
        """Do it with a connection; return whether that went well."""
        try:
            if self._connection is None:
                self._connection = open_for_working(self._database, busy_timeout_ms=BUSY_TIMEOUT_MS, patience_s=0.0)
            act(self._connection)
        except HealthmonError as error:  # as told by its log: the watchdog itself needs no database
            self._say(str(error))
            if not isinstance(error, StoreBusyError):
                self.close()  # a file that was deleted: the next time looks whether there is one again
            return False
        self._problem = ""
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _say(self, problem: str) -> None:
        """Say once that nothing is written, until it is: a deleted database has two texts, and one cause."""
        if not self._problem:
            self._log.warning(self._trouble, error=problem)
        self._problem = problem
