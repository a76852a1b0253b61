"""How much room does the database take, and how does it give back what it does not need?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import StoreBusyError
from healthmon.history.rollups import day_of
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from healthmon.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The pages of a database. `free` ones hold nothing and are used again first."""

    page_bytes: int
    pages: int
    free: int
    gives_back: bool  # made so that free pages can be given back one by one

    @property
    def size_bytes(self) -> int:
        return self.pages * self.page_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one table takes, with its indexes."""

    name: str
    rows: int
    bytes: int


def tables(connection: Connection) -> list[Table]:
    """Return what each table takes, the largest first."""
    rows = connection.rows(
        """
        SELECT s.tbl_name, sum(d.pgsize) FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name
        WHERE d.aggregate = TRUE AND s.tbl_name NOT LIKE 'sqlite%' GROUP BY s.tbl_name
        """,
    )
    names = {text(row[0]): integer(row[1]) for row in rows}
    found = [Table(name=name, rows=_number(connection, name, "SELECT count(*) FROM"), bytes=size) for name, size in names.items()]
    return sorted(found, key=lambda table: -table.bytes)


def write_anew(connection: Connection) -> None:
    """Write the whole database anew, without free pages, and made to give them back later. Nobody can write meanwhile."""
    connection.rows("PRAGMA auto_vacuum = INCREMENTAL")
    connection.rows("VACUUM")


def measure(connection: Connection) -> Space:
    return Space(
        page_bytes=_number(connection, "page_size"),
        pages=_number(connection, "page_count"),
        free=_number(connection, "freelist_count"),
        gives_back=_number(connection, "auto_vacuum") == 2,  # noqa: PLR2004  incremental
    )


def give_back(connection: Connection, pages: int) -> None:
    """Give some free pages at the end of the file back to the disk, moving what lies behind them."""
    with connection.transaction(durable=False):
        connection.rows(f"PRAGMA incremental_vacuum({pages})")


def wal_bytes(path: Path) -> int:
    """Return the size of the `-wal`. Only its name is asked about: to open and close it would drop SQLite's locks."""
    with suppress(OSError):
        return path.with_name(path.name + "-wal").stat().st_size
    return 0


def written(path: Path) -> tuple[int, int] | None:
    """Return when the file itself was written last, and its size: what is only in the `-wal` changes neither.

    None when it is not there, or cannot be looked at: the next statement says that better.
    """
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    return None


def note_size(connection: Connection, *, now: datetime) -> None:
    """Remember how much room the database needs today."""
    found = measure(connection)
    with connection.transaction(durable=False):
        connection.change(
            "INSERT OR REPLACE INTO database_sizes (day, bytes) VALUES (?, ?)",
            clock.to_sql(day_of(now)),
            (found.pages - found.free) * found.page_bytes,
        )


def sizes(connection: Connection, *, since: datetime) -> list[tuple[datetime, int]]:
    """Return how much room the database needed at the end of each day since then, oldest first."""
    rows = connection.rows("SELECT day, bytes FROM database_sizes WHERE day >= ? ORDER BY day", clock.to_sql(since))
    return [(time(row[0]), integer(row[1])) for row in rows]


def checkpoint(connection: Connection, *, truncate: bool) -> bool:
    """Write the `-wal` into the database, as far as nobody reads from it; return whether all of it was.

    With `truncate` it waits for readers, as long as the connection waits for locks, and makes the `-wal` empty.
    """
    mode = "TRUNCATE" if truncate else "PASSIVE"
    try:
        found = connection.row(f"PRAGMA wal_checkpoint({mode})")
    except StoreBusyError:
        return False
    return found is not None and found[0] == 0 and found[1] == found[2]


def _number(connection: Connection, name: str, question: str = "PRAGMA") -> int:
    found = connection.row(f"{question} {name}")
    return 0 if found is None else integer(found[0])
