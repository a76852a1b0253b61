"""Is the file on the disk still the one that we wrote, or has somebody copied another over it while it is in use?

`cp backup.db health_monitoring.db` leaves the file's identity as it is: SQLite goes on, takes some pages from the new
content and others from its `-wal`, and mixes both. So the keeper puts a mark of its own into the database before it has the
`-wal` written back, and when the file has changed and it was not the keeper, looks whether the mark is there: in the file
alone, without the `-wal`, and in a process of its own, because to open and close the file would drop our locks on it.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import apsw

from healthmon.errors import StoreUnavailableError
from healthmon.store.row import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from healthmon.store.connection import Connection

PATIENCE_S = 10.0


def new() -> str:
    """Return a mark that no database has yet."""
    return secrets.token_hex(8)


def put(connection: Connection, mark: str) -> None:
    """Put a mark into the database. It is remembered first: one that is not known would look like somebody else's."""
    with connection.transaction(durable=False):
        connection.change("INSERT OR REPLACE INTO watermark (one, mark) VALUES (1, ?)", mark)


def remember(file: Path, marks: Sequence[str]) -> None:
    """Remember, for who looks when no keeper runs, which marks our file may have. Raises StoreUnavailableError."""
    unfinished = file.with_name(f".{file.name}.new")
    try:
        unfinished.write_text(json.dumps(marks), encoding="ascii")
        unfinished.replace(file)
    except OSError as error:
        raise StoreUnavailableError(f"cannot write {file}: {error.strerror}; is the disk full?") from error


def remembered(file: Path) -> frozenset[str]:
    """Return those marks; none when nobody knows."""
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="ascii"))
        return frozenset(map(str, found)) if isinstance(found, list) else frozenset()
    return frozenset()


def current(connection: Connection) -> str | None:
    """Return the mark as the database has it, wherever it stands."""
    found = connection.row("SELECT mark FROM watermark")
    return None if found is None else text(found[0])


def put_foreign(connection: apsw.Connection) -> None:
    """Put a mark into a copy, that no database in use has."""
    connection.execute("INSERT OR REPLACE INTO watermark (one, mark) VALUES (1, ?)", (f"copy {new()}",))


def on_disk(path: Path) -> str | None:
    """Return the mark that is in the file alone; None when it cannot be read from it."""
    return _elsewhere(lambda: _read(path))


def take_out(path: Path, target: Path) -> None:
    """Copy the bytes of the file alone, as somebody put them there. Raises StoreUnavailableError when that cannot be done."""
    if _elsewhere(lambda: str(shutil.copyfile(path, target))) is None:
        raise StoreUnavailableError(f"{path} could not be copied to {target}: is the disk full?")


def _read(path: Path) -> str | None:
    connection = apsw.Connection(f"file:{_quoted(path)}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    found = connection.execute("SELECT mark FROM watermark").fetchall()
    return text(found[0][0]) if found else None


def _quoted(path: Path) -> str:
    from urllib.parse import quote  # noqa: PLC0415  in the child alone: 5 ms that nobody else needs

    return quote(str(path.absolute()))


def _elsewhere(ask: Callable[[], str | None]) -> str | None:
    """Ask something in a fork of ours; None when it fails or takes too long."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        answer: str | None = None
        with suppress(BaseException):  # it is nobody's but ours, and says nothing but this
            answer = ask()
        with suppress(OSError):
            os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    said = b""
    with suppress(OSError):
        ready, _, _ = select.select([reading], [], [], PATIENCE_S)
        said = os.read(reading, 4_096) if ready else b""
    os.close(reading)
    if not said:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    found = json.loads(said) if said else None
    return found if isinstance(found, str) else None
