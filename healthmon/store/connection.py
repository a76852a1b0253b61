"""How is a statement run, and how a transaction made, on one open file that may be replaced or fail at any time?"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import apsw

from healthmon.errors import StoreReplacedError, StoreUnavailableError
from healthmon.store import checkup
from healthmon.store.files import Files
from healthmon.store.sqlite import require_safe_sqlite, sqlite_version
from healthmon.store.trust import Doubt, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
