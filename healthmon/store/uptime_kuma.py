"""Which monitors does a database of Uptime Kuma hold?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from healthmon.errors import UsageError
from healthmon.store.trust import translated

if TYPE_CHECKING:
    from pathlib import Path

    Monitor = dict[str, apsw.SQLiteValue]


def monitors(path: Path) -> list[Monitor]:
    """Return every row of its table `monitor`, by the names of its columns, which differ from version to version.

    Raises UsageError for another file.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            cursor = database.cursor()
            known = {row[1] for row in cursor.execute("PRAGMA table_info(monitor)")}
            if not {"id", "name", "type"} <= known:
                raise UsageError(f"{path} is not a database of Uptime Kuma: it has no monitors")
            rows = list(cursor.execute("SELECT * FROM monitor ORDER BY id"))
            names = [column[1] for column in database.execute("PRAGMA table_info(monitor)")]
        finally:
            database.close()
    except apsw.Error as error:
        raise translated(error, path) from error
    return [dict(zip(map(str, names), row, strict=True)) for row in rows]
