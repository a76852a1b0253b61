"""How is the database opened, and how is a transaction made?"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import apsw

from healthmon.errors import (
    StoreBusyError,
    StoreGoneError,
    StoreReplacedError,
    StoreUnavailableError,
    UsageError,
)
from healthmon.store import checkup, migrate
from healthmon.store.files import Files, make_directory, make_private, require_writable
from healthmon.store.sqlite import require_safe_sqlite, sqlite_version
from healthmon.store.trust import Doubt, Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 15.0
BUSY_TIMEOUT_MS = 2_000  # a signal waits for C code, so no single wait may be long
CHECK_S = 1.0  # a schedule waits for this


class Connection:
    """One connection of one process.

    Raises UsageError when the database or its directory is not usable as it is, StoreUnavailableError for what may
    pass, StoreReplacedError when another file lies at its path.
    """

    def __init__(self, path: Path, *, flags: int, busy_timeout_ms: int = BUSY_TIMEOUT_MS, leaves_wal: bool = False) -> None:
        require_safe_sqlite(sqlite_version())
        self.path = path
        self._flags = flags
        self._busy_timeout_ms = busy_timeout_ms
        self._leaves_wal = leaves_wal
        self._files = Files(path)
        self._is_inside = False  # a transaction
        self._trust = Trust(path)
        self._has_noted = False
        self._synchronous = ""
        self._db = self._opened()

    def close(self) -> None:
        """Let go. The last one to do so writes the `-wal` into the database: not into a damaged one."""
        with suppress(apsw.Error):  # a flush that fails; the `-wal` stays, and so does all that is in it
            if self._leaves_wal or self._trust.doubt is Doubt.DAMAGE:
                self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._db.close(force=True)

    def rows(self, sql: str, *values: apsw.SQLiteValue) -> list[tuple[apsw.SQLiteValue, ...]]:
        """Run one statement and return all its rows."""
        self._prepare()
        try:
            found = self._db.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise self._trust.failed(error) from error
        if not self._has_noted:
            self._note()
        return found

    def row(self, sql: str, *values: apsw.SQLiteValue) -> tuple[apsw.SQLiteValue, ...] | None:
        """Run one statement and return its first row, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def change(self, sql: str, *values: apsw.SQLiteValue) -> int:
        """Run one statement that writes, and return how many rows it hit."""
        self.rows(sql, *values)
        return self._db.changes()

    def change_many(self, sql: str, rows: list[tuple[apsw.SQLiteValue, ...]]) -> None:
        """Run one statement for each of `rows`."""
        self._prepare()
        try:
            self._db.executemany(sql, rows)
        except apsw.Error as error:
            raise self._trust.failed(error) from error

    def run_script(self, sql: str) -> None:
        """Run several statements."""
        try:
            self._db.execute(sql)
        except apsw.Error as error:
            raise self._trust.failed(error) from error

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[None]:
        """Write everything inside, or nothing.

        `durable` survives a power cut: for alerts, incidents, heals and what people did. Checks do without, so
        that a flush of the disk is not paid for each. The lock is taken at the start: a deferred transaction
        that turns into a writing one fails at once when another has written meanwhile. Nothing is begun on a file
        that was deleted or replaced.
        """
        self._set_synchronous("FULL" if durable else "NORMAL")
        self.rows("BEGIN IMMEDIATE")
        self._is_inside = True
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._is_inside = False

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See the same state of the database in every statement inside, whoever writes meanwhile. For reading only."""
        self.rows("BEGIN")
        self._is_inside = True
        try:
            yield
        finally:
            self._roll_back()
            self._is_inside = False

    def _set_synchronous(self, mode: str) -> None:
        if mode != self._synchronous:
            self.rows(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except apsw.Error as error:
            self._trust.failed(error)  # what counts is why it is rolled back

    def _opened(self) -> apsw.Connection:
        self._synchronous = ""
        self._has_noted = False
        try:
            db = apsw.Connection(str(self.path), flags=self._flags)
            db.set_busy_timeout(self._busy_timeout_ms)
            db.execute("PRAGMA foreign_keys = ON")
        except apsw.Error as error:
            raise self._trust.failed(error) from error
        return db

    def _prepare(self) -> None:
        """Look before each statement that stands alone, and so before each BEGIN. It costs 3 µs; a transaction, 18."""
        if not self._is_inside:
            self._require_in_place()
            if self._trust.doubt is not Doubt.NONE:
                self._open_anew()
        elif self._trust.doubt is not Doubt.NONE:
            raise StoreUnavailableError(f"{self.path}: the transaction was broken off by an earlier error")

    def _note(self) -> None:
        """Take the first statement that went well for what it is: the files are open, and can be read."""
        self._has_noted = True
        self._files.note_beside()
        self._trust.vouch()

    def _require_in_place(self) -> None:
        try:
            self._files.require_in_place()
        except StoreReplacedError:
            self._files.put_aside()
            raise
        lost = self._files.beside_lost()
        if lost is not None:
            with suppress(apsw.Error):  # what is only in the open `-wal` goes into the database, where it can be found
                self._db.wal_checkpoint()
            self._files.put_aside()  # a new `-wal` beside the old `-shm` would be read as garbage
            raise StoreReplacedError(f"{self.path}{lost} was deleted or replaced while in use: what uses the database starts again")

    def _open_anew(self) -> None:
        self._trust.require_worth_a_try()
        self.close()
        self._db = self._opened()
        if self._trust.doubt is Doubt.DAMAGE:
            self._check()
        self._trust.doubt = Doubt.NONE

    def _check(self) -> None:
        try:
            found = checkup.examine(self.path, limit_s=CHECK_S)
        except apsw.Error as error:
            raise self._trust.failed(error) from error
        self._trust.examined(found)


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
