"""Does an SQLite lose committed rows when a log is begun anew while a checkpoint starts? `python wal_reset.py LIBRARY ROUNDS`.

The bug of SQLite before 3.51.3: a checkpoint that has read how long the log is, and is then held up for a moment, believes
that length also when another process has begun the log anew meanwhile; the next checkpoint skips what was written up to
there. To make that moment longer than a chance, the checkpointing process has much of the database mapped, which it gives
back just then. Prints the round in which the database was found damaged, or `none`.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any

import apsw

BIG_ROWS = 25_000  # of a page each: about 100 MB
MAPPED_BYTES = 2**30
WINDOW_S = 0.003
LONG, MANY, SMALL = 100, 40, 3  # the second log must grow beyond the first
READ, CHECKPOINT, DONE, END = b"r", b"c", b"d", b"e"
FILL = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO big (b) SELECT zeroblob(3900) FROM n"


def connect(library: str, path: str) -> Any:
    if library == "stock":
        return sqlite3.connect(path, timeout=5, isolation_level=None)
    opened = apsw.Connection(path)
    opened.set_busy_timeout(5_000)
    return opened


def checkpoint_on_demand(library: str, path: str, orders: int, answers: int) -> None:
    """Be the second process: read everything, or write the log back, whenever it is asked for."""
    connection = connect(library, path)
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    while (order := os.read(orders, 1)) in {READ, CHECKPOINT}:
        sql = "SELECT sum(length(b)) FROM big" if order == READ else "PRAGMA wal_checkpoint(PASSIVE)"
        connection.execute(sql).fetchall()
        os.write(answers, DONE)


def damaged_in(library: str, path: str, rounds: int) -> int | None:
    """Return the round after which the database was damaged."""
    connection = connect(library, path)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    for sql in ("CREATE TABLE big (a INTEGER PRIMARY KEY, b)", "CREATE TABLE t (a INTEGER PRIMARY KEY, b)", "CREATE INDEX i ON t (b)"):
        connection.execute(sql)
    connection.execute(FILL.format(BIG_ROWS))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    (orders, order), (answers, answer) = os.pipe(), os.pipe()
    if not os.fork():
        with suppress(BaseException):
            checkpoint_on_demand(library, path, orders, answer)
        os._exit(0)
    connection = connect(library, path)
    connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
    connection.execute("PRAGMA synchronous = OFF")  # what is lost here is not lost by a power cut
    try:
        for number in range(1, rounds + 1):
            if not _survives(connection, order, answers):
                return number
    finally:
        os.write(order, END)
        os.wait()
    return None


def _survives(connection: Any, order: int, answers: int) -> bool:
    _ask(order, answers, READ)
    _put(connection, LONG)
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    os.write(order, CHECKPOINT)
    until = time.monotonic() + random.uniform(0, WINDOW_S)
    while time.monotonic() < until:
        pass
    _put(connection, 1)  # begins the log anew
    os.read(answers, 1)
    try:
        for _ in range(MANY):
            _put(connection, SMALL)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        found = connection.execute("PRAGMA integrity_check(t)").fetchall()
    except (sqlite3.DatabaseError, apsw.CorruptError):
        return False
    return bool(found == [("ok",)])


def _ask(order: int, answers: int, what: bytes) -> None:
    os.write(order, what)
    os.read(answers, 1)


def _put(connection: Any, rows: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for _ in range(rows):
        connection.execute("INSERT INTO t (b) VALUES (randomblob(900))")
    connection.execute("COMMIT")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hm-wal-") as folder:
        print(damaged_in(sys.argv[1], f"{folder}/t.db", int(sys.argv[2])))  # noqa: T201  what the row reads
