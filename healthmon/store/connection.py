"""How is the database made and opened, and how is a transaction made?

SQLite before 3.51.3 can corrupt a WAL database that several processes write and checkpoint at once, which is what
this one is: we bring our own (apsw) and refuse to start on less.

A file that somebody deleted or replaced stays open in the processes that use it: they would go on to write what nobody
ever reads. So only who starts something makes a database, and every use first looks whether the file is still there.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from healthmon.errors import StoreBusyError, StoreError, StoreUnavailableError, UsageError
from healthmon.store import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Identity = tuple[int, int]  # st_dev and st_ino: which file it is, whatever its path

SAFE_SQLITE = (3, 51, 3)
PATIENCE_S = 15.0
BUSY_TIMEOUT_MS = 2_000  # a signal waits for C code, so no single wait may be long


class Connection:
    """One connection of one process.

    Raises UsageError when the database or its directory is not usable as it is, StoreError when it is damaged, was
    deleted or was replaced by another file.
    """

    def __init__(self, path: Path, *, flags: int, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        require_safe_sqlite(apsw.sqlite_lib_version())
        self.path = path
        self._synchronous = ""
        self._identity = _identity(path)
        if self._identity is None:
            raise _missing(path)
        try:
            self._db = apsw.Connection(str(path), flags=flags)
            self._db.set_busy_timeout(busy_timeout_ms)
            self._db.execute("PRAGMA foreign_keys = ON")
        except apsw.Error as error:
            raise _translated(error, path) from error

    def close(self) -> None:
        self._db.close()

    def require_in_place(self) -> None:
        """Raise StoreError when the file at the path is not the one that is open.

        Only its name is asked about: to open and close the file itself would drop SQLite's locks on it.
        """
        if _identity(self.path) != self._identity:
            raise StoreError(
                f"{self.path} was deleted or replaced while in use: stop healthmon, see what is there, start it again",
            )

    def rows(self, sql: str, *values: apsw.SQLiteValue) -> list[tuple[apsw.SQLiteValue, ...]]:
        """Run one statement and return all its rows."""
        self._require_in_place_before_work()
        try:
            return self._db.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise _translated(error, self.path) from error

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
        self._require_in_place_before_work()
        try:
            self._db.executemany(sql, rows)
        except apsw.Error as error:
            raise _translated(error, self.path) from error

    def run_script(self, sql: str) -> None:
        """Run several statements."""
        self._db.execute(sql)

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
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _require_in_place_before_work(self) -> None:
        """Look at each statement that stands alone, and so at each BEGIN. It costs 2 µs; a transaction, 18."""
        if not self._db.in_transaction:
            self.require_in_place()

    def _set_synchronous(self, mode: str) -> None:
        if mode != self._synchronous:
            self.rows(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode


def create_or_open(path: Path) -> Connection:
    """Open the database for writing, making it first where there is none: for who starts something, never for a worker."""
    _make_directory(path)
    _require_writable(path)
    _make_private_file(path)
    return open_for_writing(path)


def open_for_writing(path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS, patience_s: float = PATIENCE_S) -> Connection:
    """Open an existing database and bring its schema up to date. Raises StoreError when there is none.

    `busy_timeout_ms` is how long one statement waits for another program's lock before it is a StoreBusyError;
    `patience_s` is how long opening as a whole tries again.
    """
    if _identity(path) is None:
        raise _missing(path)
    _require_writable(path)
    connection = Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, busy_timeout_ms=busy_timeout_ms)
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(StoreBusyError),
            wait=wait_random(0.02, 0.2),
            stop=stop_after_delay(patience_s),
            reraise=True,
        ):
            with attempt:
                _require_wal(connection)
                migrate.bring_up_to_date(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> Connection:
    """Open an existing database; never makes one."""
    if _identity(path) is None:
        raise UsageError(
            f"there is no database at {path} yet: `healthmon once` makes one round and stores it, `healthmon run` keeps on",
        )
    connection = Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        migrate.require_ours(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def require_safe_sqlite(version: str) -> None:
    """Raise UsageError for an SQLite that can corrupt a database like ours."""
    if tuple(map(int, version.split("."))) < SAFE_SQLITE:
        wanted = ".".join(map(str, SAFE_SQLITE))
        raise UsageError(
            f"apsw brings SQLite {version}, which can corrupt a database that several processes write;"
            f" at least {wanted} is needed: python -m pip install --upgrade apsw",
        )


def _require_wal(connection: Connection) -> None:
    if connection.row("PRAGMA journal_mode = WAL") != ("wal",):
        raise UsageError(f"{connection.path} lies on a file system without shared memory, which WAL mode needs")


def _identity(path: Path) -> Identity | None:
    """Return which file lies at `path`, None when there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailableError(f"{path} cannot be looked at: {error.strerror}; is its disk gone?") from error
    return found.st_dev, found.st_ino


def _missing(path: Path) -> StoreError:
    return StoreError(
        f"there is no database at {path}: put it back if it was moved or deleted, or let `healthmon run` make a new one",
    )


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the directory {path.parent} for the database: {error.strerror}") from error


def _require_writable(path: Path) -> None:
    directory = path.parent
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write into {directory}, where the database lies: check its owner and mode")


def _make_private_file(path: Path) -> None:
    """Make the file, for its owner alone, where there is none yet; SQLite's own files beside it follow its mode.

    Only a new file may be opened by other means than SQLite: closing it would drop SQLite's locks on an older one.
    What a deleted database left behind goes first: who still has that one open would share its `-shm` with the new one.
    """
    with _alone_in(path.parent):
        if path.exists():
            return
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep others that would make a database there waiting. Raises StoreUnavailableError for what the disk refuses."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreUnavailableError(f"cannot make a database in {directory}: {error.strerror}; is the disk full?") from error


def _translated(error: apsw.Error, path: Path) -> StoreError:
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return StoreBusyError(f"another program holds the lock of {path}")
    if isinstance(error, (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)):
        return StoreUnavailableError(f"{path} cannot be used now: {error}; is its disk full or gone?")
    if isinstance(error, (apsw.NotADBError, apsw.CorruptError)):
        return StoreError(f"{path} cannot be read as a database ({error}): see what `sqlite3 {path} .recover` saves")
    return StoreError(f"{path}: {error}")
