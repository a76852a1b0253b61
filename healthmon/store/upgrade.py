"""What is kept for the way back, should a version that changes the schema disappoint? A copy, made before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.store import backup, migrate
from healthmon.store.inspection import inspect
from healthmon.store.trust import translated

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.log import Log
    from healthmon.paths import Paths

KEPT = 2
READ_S = 10.0  # the copy is read through for so long: an agent waits for it


def back_up(paths: Paths, records: Log) -> None:
    """Copy a database whose schema is older than ours. Raises HealthmonError where it cannot be copied, or is not ours."""
    version = _version(paths.database)
    if not 0 < version < migrate.SCHEMA_VERSION:
        return
    inspect(paths.database, limit_s=0)  # one of somebody else is refused before it is copied
    target = paths.backups / f"{migrate.BEFORE}{migrate.SCHEMA_VERSION}-{clock.now():%Y%m%dT%H%M%S.%fZ}.db"
    backup.copy(paths.database, target, limit_s=READ_S)
    records.change("backed_up_before_upgrade", schema=version, to=migrate.SCHEMA_VERSION, file=str(target))
    made = sorted(paths.backups.glob(f"{migrate.BEFORE}*.db"), key=lambda path: path.stat().st_mtime_ns)
    for path in made[:-KEPT]:
        path.unlink()


def _version(path: Path) -> int:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return int(connection.pragma("user_version"))
        finally:
            connection.close()
    except apsw.Error as error:
        raise translated(error, path) from error
