"""How is a database copied while it is written to, so that the copy is whole?

SQLite's own backup, of one moment: the copy reads in a transaction that lasts to its end, so that what others commit
meanwhile is not in it, and does not make it begin again. It appears under its name once it was read through and found to
be what was copied.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import apsw

from healthmon.errors import StoreError, StoreUnavailableError, UsageError
from healthmon.store import watermark
from healthmon.store.inspection import count_rows, inspect
from healthmon.store.sqlite import require_safe_sqlite, sqlite_version
from healthmon.store.trust import translated

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.store.inspection import Inspection

PAGES = 256  # in one step: a mebibyte
SPARE_BYTES = 16 * 2**20  # are left free on the disk
STEPS_BETWEEN_FLUSHES = 64
_BESIDE_PART = ("", "-journal", "-wal", "-shm")
_NAME = re.compile(r"-(\d{8}T\d{6}Z)\.db")


class Copying:
    """A copy under way. `step` until it says that all is copied, then `finish`; or `abandon`."""

    def __init__(self, source: Path, target: Path, *, count_s: float) -> None:
        """Begin, and count what is to be copied for at most `count_s`.

        Raises UsageError when there is something at `target`, StoreUnavailableError when it would not fit.
        """
        require_safe_sqlite(sqlite_version())
        if target.exists():
            raise UsageError(f"{target} is there already: name another file")
        _require_room(source, target)
        self._target_path, self._part = target, target.with_name(f".{target.name}.part")
        self._source_path = source
        self._open: list[apsw.Connection] = []
        self._claim: int | None = None
        self._steps = 0
        try:
            self._claim = _claimed(self._part)
            self._source = self._opened(source, apsw.SQLITE_OPEN_READONLY)
            self._source.execute("BEGIN")
            self._rows = count_rows(self._source, limit_s=count_s)  # begins the transaction, too
            self._target = self._opened(self._part, apsw.SQLITE_OPEN_READWRITE)
            self._backup = self._target.backup("main", self._source, "main")
        except apsw.Error as error:
            self.abandon()
            raise translated(error, source) from error

    def step(self, pages: int = PAGES) -> bool:
        """Copy some pages; return whether all are copied. What lies long in the page cache would make the end a long wait."""
        try:
            self._steps += 1
            if self._claim is not None and self._steps % STEPS_BETWEEN_FLUSHES == 0:
                os.fdatasync(self._claim)
            return self._backup.step(pages)
        except OSError as error:
            self.abandon()
            raise StoreUnavailableError(f"{self._part} could not be written: {error.strerror}; is the disk full?") from error
        except apsw.Error as error:
            self.abandon()
            raise translated(error, self._target_path) from error

    def finish(self, *, limit_s: float) -> Inspection:
        """Read the copy through, for at most `limit_s`, and give it its name. Raises StoreError when it is not what was copied."""
        try:
            self._backup.finish()
            self._target.execute("PRAGMA journal_mode = DELETE")  # one file, that needs none beside it
            watermark.put_foreign(self._target)
            self._close()
            found = inspect(self._part, limit_s=limit_s)
            if any(found.rows.get(name, rows) != rows for name, rows in self._rows.items()):
                raise StoreError(f"{self._part} does not hold what was copied: the disk may be failing")
            _flush(self._part)
            self._part.rename(self._target_path)
            _flush(self._target_path.parent)
        except (apsw.Error, OSError) as error:
            raise StoreUnavailableError(f"{self._target_path} could not be written: {error}; is the disk full?") from error
        finally:
            self.abandon()
        return found

    def abandon(self) -> None:
        """Leave nothing behind of what is not finished."""
        self._close()
        for suffix in _BESIDE_PART:
            self._part.with_name(self._part.name + suffix).unlink(missing_ok=True)
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _opened(self, path: Path, flags: int) -> apsw.Connection:
        connection = apsw.Connection(str(path), flags=flags)
        self._open.append(connection)
        connection.set_busy_timeout(2_000)
        return connection

    def _close(self) -> None:
        for connection in self._open:
            with suppress(apsw.Error):
                connection.close(force=True)
        self._open.clear()


def copy(source: Path, target: Path, *, limit_s: float) -> Inspection:
    """Copy a database at once."""
    copying = Copying(source, target, count_s=limit_s)
    try:
        while not copying.step(16 * PAGES):
            pass
        return copying.finish(limit_s=limit_s)
    finally:
        copying.abandon()  # does nothing once it is finished


def name_at(database: Path, at: datetime) -> str:
    """Return what a backup made at `at` is called."""
    return f"{database.stem}-{at:%Y%m%dT%H%M%SZ}.db"


def backups(directory: Path, database: Path) -> list[Path]:
    """Return the backups of a database that lie in `directory` under names of ours, oldest first."""
    found = [path for path in directory.glob(f"{database.stem}-*.db") if _NAME.fullmatch(path.name.removeprefix(database.stem))]
    return sorted(found, key=lambda path: path.name)


def made_at(path: Path) -> datetime:
    """Return when a backup was made, by its name."""
    return datetime.strptime(path.name[-len("YYYYmmddTHHMMSSZ.db") :], "%Y%m%dT%H%M%SZ.db").replace(tzinfo=UTC)


def sweep(directory: Path, database: Path) -> None:
    """Remove what copies that were killed have left in `directory`: parts that nobody writes any more."""
    for part in directory.glob(f".{database.stem}-*.db.part"):
        with suppress(OSError):
            descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for suffix in _BESIDE_PART:
                    part.with_name(part.name + suffix).unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _claimed(path: Path) -> int:
    """Make the file, for its owner alone, and return a descriptor that tells others for as long as it is open that it is in use."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a copy that was broken off
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise StoreUnavailableError(f"cannot write {path}: {error.strerror}") from error
    return descriptor


def _require_room(source: Path, target: Path) -> None:
    directory = next(parent for parent in target.absolute().parents if parent.is_dir())
    needed, free = source.stat().st_size + SPARE_BYTES, shutil.disk_usage(directory).free
    if needed > free:
        raise StoreUnavailableError(f"{target} needs {needed // 2**20} MiB, and {free // 2**20} MiB are free in {directory}")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
