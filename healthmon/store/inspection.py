"""What is in a file that claims to be a database of ours? Asked of backups, and of what is to be put in a database's place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.errors import StoreGoneError, UsageError
from healthmon.store import checkup, migrate, shape
from healthmon.store.checkup import STEPS_BETWEEN_LOOKS
from healthmon.store.row import integer, text, time_or_none
from healthmon.store.trust import DAMAGE_ERRORS, damaged, translated

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


LARGE = frozenset({"checks", "service_hours", "service_days"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found. `rows` is by table, of those that could be counted in the time; `newest` is the newest check, None when there is none."""

    path: Path
    schema: int
    rows: dict[str, int]
    newest: datetime | None
    is_whole: bool  # all of it was looked at in the time


def inspect(path: Path, *, limit_s: float) -> Inspection:
    """Read a database through for at most `limit_s`, a third of it to count. Raises UsageError for one that is not ours, too new, or with other tables, StoreError for a damaged one."""
    if not path.is_file():
        raise StoreGoneError(f"there is no file {path}")
    try:
        found = checkup.examine(path, limit_s=limit_s * 2 / 3)
        if found.problem:
            raise damaged(path, found.problem)
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        raise translated(error, path) from error
    try:
        _require_ours(connection, path)
        return Inspection(
            path=path,
            schema=_number(connection, "PRAGMA user_version"),
            rows=count_rows(connection, limit_s=limit_s / 3),
            newest=time_or_none(connection.execute("SELECT max(timestamp) FROM checks").fetchall()[0][0]),
            is_whole=found.finished,
        )
    except DAMAGE_ERRORS as error:
        raise damaged(path, str(error)) from error
    except apsw.Error as error:
        raise translated(error, path) from error
    finally:
        connection.close()


def count_rows(connection: apsw.Connection, *, limit_s: float) -> dict[str, int]:
    """Return how many rows each table has, of those that can be counted in the time: to count is to read all of a table.

    The large ones come last. That of the watermark is no part of what is kept.
    """
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name != 'watermark' ORDER BY name",
    ).fetchall()
    deadline = clock.monotonic() + limit_s
    connection.set_progress_handler(lambda: clock.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    found: dict[str, int] = {}
    try:
        for name in sorted((text(name) for (name,) in tables), key=LARGE.__contains__):
            found[name] = _number(connection, f'SELECT coalesce(sum(1), 0) FROM "{name}"')  # noqa: S608  count(*) is one step, that nothing interrupts
    except apsw.InterruptError:
        pass
    finally:
        connection.set_progress_handler(None)
    return found


def _require_ours(connection: apsw.Connection, path: Path) -> None:
    if _number(connection, "PRAGMA application_id") != migrate.APPLICATION_ID:
        raise UsageError(f"{path} is not a database of healthmon; one of the earlier script's is taken over by `healthmon db import`")
    version = _number(connection, "PRAGMA user_version")
    if version > migrate.SCHEMA_VERSION:
        raise UsageError(f"{path} has schema {version}, and this healthmon knows up to {migrate.SCHEMA_VERSION}: it was written by a newer version")
    if version == migrate.SCHEMA_VERSION:
        found = shape.difference(connection.execute(shape.LISTING), migrate.schema_sql())
        if found:
            raise UsageError(migrate.unlike(path, found))


def _number(connection: apsw.Connection, sql: str) -> int:
    return integer(connection.execute(sql).fetchall()[0][0])
