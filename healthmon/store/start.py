"""How does an agent, or a round, come by its database? It looks first whether what lies there is what was left.

Before anything is written: a damaged file stays as it is, an emptied one is no first run, and what is missing of the
history is said once. To begin afresh, a person deletes the database while nothing runs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.errors import HealthmonError, StoreError
from healthmon.model.alert import HISTORY_LOST, Alert, AlertSeverity
from healthmon.store import alerts, checkup, looks, sentinel, upgrade, watermark
from healthmon.store.files import BESIDE, make_directory, put_aside, require_writable
from healthmon.store.opening import create_or_open, open_for_writing
from healthmon.store.sentinel import UNKNOWN, Sentinel
from healthmon.store.trust import BUSY_ERRORS, damaged, translated

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from healthmon.log import Log
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

CHECK_S = 10.0


def begin(paths: Paths, records: Log) -> Connection:
    """Open the database for who starts something, making it where there is none.

    Raises UsageError when it cannot be used as it is, StoreError when it is damaged or was emptied; it is unchanged then.
    """
    make_directory(paths.database)
    require_writable(paths.database)
    known = sentinel.read(paths)
    is_new = not paths.database.exists()
    if not is_new:
        _require_not_emptied(paths.database, known)
        _put_foreign_aside(paths.database, known, records)
        _put_overwritten_aside(paths, records)
        _require_whole(paths.database, records)
        upgrade.back_up(paths, records)
    connection = create_or_open(paths.database)
    try:
        newest = looks.newest_at(connection)
        if known is not None:
            _tell_loss(connection, paths.database, known, newest, records, is_new=is_new)
        now = clock.now()
        created_at = now if is_new or known is None else known.created_at
        inode = paths.database.stat().st_ino
        sentinel.write(paths, Sentinel(created_at=created_at, written_until=newest, inode=inode))
        paths.marks.unlink(missing_ok=True)  # of an earlier keeper: the next one knows again
    except BaseException:
        connection.close()
        raise
    return connection


def _require_not_emptied(path: Path, known: Sentinel | None) -> None:
    if known is not None and path.stat().st_size == 0:
        raise StoreError(
            f"{path} is empty, but held a history since {clock.to_iso(known.created_at)}: put a backup in its place, or delete"
            " the empty file to begin afresh",
        )


def _put_foreign_aside(path: Path, known: Sentinel | None, records: Log) -> None:
    """Take away the `-wal` of the database that was replaced while nothing ran: SQLite would mix it into this one."""
    if known is None or known.inode in {UNKNOWN, path.stat().st_ino} or not path.with_name(path.name + "-wal").exists():
        return
    for suffix in BESIDE:
        put_aside(path, suffix)
    records.warning("wal_put_aside", reason="it belongs to the database that was here before", kept=f"{path.name}-wal.of-replaced")


def _put_overwritten_aside(paths: Paths, records: Log) -> None:
    """Take away the `-wal` of a database over which somebody has copied another: it is of what was there before."""
    path, marks = paths.database, watermark.remembered(paths.marks)
    if not marks or not path.with_name(path.name + "-wal").exists():
        return
    mark = watermark.on_disk(path)
    if mark is None or mark in marks:
        return
    for suffix in BESIDE:
        put_aside(path, suffix)
    records.warning("wal_put_aside", reason="another database was copied over the one it belongs to", kept=f"{path.name}-wal.of-replaced")


def settle(paths: Paths, records: Log) -> None:
    """Write the `-wal` into the database after an agent has ended, so that the file alone is all of it."""
    with suppress(HealthmonError, OSError):  # it is as good as it was, and the next start goes on with it
        _put_overwritten_aside(paths, records)
        open_for_writing(paths.database, patience_s=0.0).close()


def _require_whole(path: Path, records: Log) -> None:
    try:
        found = checkup.examine(path, limit_s=CHECK_S)
    except BUSY_ERRORS as error:
        records.warning("database_not_checked", error=str(error))
        return
    except apsw.Error as error:
        raise translated(error, path) from error
    if found.problem:
        raise damaged(path, found.problem)
    if not found.finished:
        records.warning("database_not_checked_whole", seconds=CHECK_S, reason="it is large, or its disk is slow")


def _tell_loss(  # noqa: PLR0913  one fact each
    connection: Connection,
    path: Path,
    known: Sentinel,
    newest: datetime | None,
    records: Log,
    *,
    is_new: bool,
) -> None:
    """Say, once, that there is less history than there was."""
    reached = known.written_until or known.created_at
    if is_new:
        message = f"{path} was gone: its history since {clock.to_iso(known.created_at)} is lost, and a new one begins"
    elif known.written_until is not None and (newest is None or newest < known.written_until):
        since = "its beginning" if newest is None else clock.to_iso(newest)
        message = (
            f"{path} lacks the history from {since} to {clock.to_iso(reached)}: its -wal was deleted, an older copy was put in"
            " its place, or the power failed"
        )
    else:
        return
    alert = Alert(service_id=None, alert_type=HISTORY_LOST, severity=AlertSeverity.WARNING, message=message, triggered_at=clock.now())
    if alerts.note_event(connection, alert, unless_since=reached):
        records.error("ALERT", type=HISTORY_LOST, message=message)
