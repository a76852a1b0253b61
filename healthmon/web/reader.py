"""Who reads the database for the pages and the API? Threads of their own, each with a connection: reading blocks."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from healthmon.errors import HealthmonError
from healthmon.store.opening import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.answers.report import Known
    from healthmon.store.connection import Connection

T = TypeVar("T")
THREADS = 2  # a long question does not keep the short ones waiting, and SQLite reads from memory


class Reader:
    """Answers questions, each from one state of the database. The database may be away, or another one, at any time.

    `known` is what earlier questions read, for all readers of a process.
    """

    def __init__(self, database: Path, known: Known, *, threads: int = THREADS) -> None:
        self._database = database
        self.known = known
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._own = threading.local()
        self._open: set[Connection] = set()

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Return the answer. Raises StoreError, or UsageError while there is no database."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _answer(self, question: Callable[[Connection], T]) -> T:
        connection = self._connection()
        try:
            with connection.snapshot():
                return question(connection)
        except HealthmonError:
            self._let_go(connection)  # the next question opens what lies there then
            raise

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = open_for_reading(self._database)
            self._open.add(found)
        return found

    def _let_go(self, connection: Connection) -> None:
        self._own.connection = None
        self._open.discard(connection)
        with suppress(HealthmonError):
            connection.close()
