"""Who opens the database how? Who starts an agent may make it or bring it up to date; a worker only takes it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from healthmon.errors import StoreBusyError, StoreGoneError, UsageError
from healthmon.store import migrate
from healthmon.store.connection import BUSY_TIMEOUT_MS, Connection
from healthmon.store.files import make_directory, make_private, require_writable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 15.0


def create_or_open(path: Path) -> Connection:
    """Open the database for writing, making it first where there is none: for who starts something, never for a worker."""
    make_directory(path)
    require_writable(path)
    make_private(path)
    return _opened(path, migrate.bring_up_to_date)


def open_for_working(path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS, patience_s: float = PATIENCE_S) -> Connection:
    """Open an existing database for a process of the agent.

    The last of them to end leaves the `-wal` as it is: `start.settle` writes it back, once it has seen that nobody has
    copied another file over the database meanwhile.
    """
    return open_for_writing(path, busy_timeout_ms=busy_timeout_ms, patience_s=patience_s, leaves_wal=True)


def open_for_writing(
    path: Path,
    *,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    patience_s: float = PATIENCE_S,
    leaves_wal: bool = False,
) -> Connection:
    """Open an existing database of the present schema. Raises StoreGoneError when there is none, UsageError for an older one.

    `busy_timeout_ms` is how long one statement waits for another program's lock before it is a StoreBusyError;
    `patience_s` is how long opening as a whole tries again.
    """
    return _opened(path, migrate.make_or_require_present, busy_timeout_ms=busy_timeout_ms, patience_s=patience_s, leaves_wal=leaves_wal)


def _opened(
    path: Path,
    settle_schema: Callable[[Connection], None],
    *,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    patience_s: float = PATIENCE_S,
    leaves_wal: bool = False,
) -> Connection:
    connection = Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, busy_timeout_ms=busy_timeout_ms, leaves_wal=leaves_wal)
    try:
        require_writable(path)
        try:
            _settle(connection, settle_schema)
        except StoreBusyError:
            if not patience_s:
                raise
            _settle_patiently(connection, settle_schema, patience_s)
    except BaseException:
        connection.close()
        raise
    return connection


def _settle(connection: Connection, settle_schema: Callable[[Connection], None]) -> None:
    _require_wal(connection)
    settle_schema(connection)


def _settle_patiently(connection: Connection, settle_schema: Callable[[Connection], None], patience_s: float) -> None:
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random  # noqa: PLC0415  hardly ever needed

    for attempt in Retrying(
        retry=retry_if_exception_type(StoreBusyError), wait=wait_random(0.02, 0.2), stop=stop_after_delay(patience_s), reraise=True
    ):
        with attempt:
            _settle(connection, settle_schema)


def open_for_reading(path: Path) -> Connection:
    """Open an existing database of the present schema; never makes one."""
    try:
        connection = Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    except StoreGoneError as error:
        raise UsageError(
            f"there is no database at {path} yet: `healthmon once` makes one round and stores it, `healthmon run` keeps on",
        ) from error
    try:
        migrate.require_present(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_wal(connection: Connection) -> None:
    if connection.path.stat().st_size == 0:  # counts in an empty file only, not after the next statement, and else would be a write
        connection.rows("PRAGMA auto_vacuum = INCREMENTAL")
    if connection.row("PRAGMA journal_mode = WAL") != ("wal",):
        raise UsageError(f"{connection.path} lies on a file system without shared memory, which WAL mode needs")
