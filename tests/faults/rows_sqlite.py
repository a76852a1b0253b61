"""The library that keeps everything, under the load that breaks the one of Debian 12: D1, and its control."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time

from healthmon.store.sqlite import SAFE_SQLITE
from tests.faults.harness import TOP, CannotRunError, row, since
from tests.faults.notes import figures

ROUNDS, MORE_ROUNDS, CONTROL_ROUNDS = 40, 1_000, 300
MENDED_BRANCHES = ((3, 44, 6), (3, 50, 7))


def _damaged_in(library: str, rounds: int) -> int | None:
    command = [sys.executable, "-m", "tests.faults.wal_reset", library, str(rounds)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False, timeout=rounds + 60)
    assert re.fullmatch(r"None|\d+", done.stdout.strip()), f"the load broke: {done.stderr.strip().splitlines()[-1:]}"
    return None if done.stdout.strip() == "None" else int(done.stdout)


def _stays_whole(rounds: int) -> float:
    began = time.monotonic()
    damaged = _damaged_in("ours", rounds)
    assert damaged is None, f"the database was damaged in round {damaged}"
    return since(began)


def _is_mended(version: tuple[int, ...]) -> bool:
    return version >= SAFE_SQLITE or any(version[:2] == branch[:2] and version >= branch for branch in MENDED_BRANCHES)


@row("D1", f"two processes write back and begin anew the log of our SQLite, {ROUNDS} times: nothing is damaged", bound_s=60)
def ours() -> float:
    return _stays_whole(ROUNDS)


@row("D1-long", f"the same {MORE_ROUNDS} times", bound_s=600, in_ci=False)
def ours_for_long() -> float:
    return _stays_whole(MORE_ROUNDS)


@row("D1-control", "the same load damages a database under an SQLite that we refuse to run on", bound_s=120)
def stock() -> float:
    if _is_mended(tuple(map(int, sqlite3.sqlite_version.split(".")))):
        raise CannotRunError(f"the SQLite {sqlite3.sqlite_version} of this Python is mended, too")
    began = time.monotonic()
    damaged = _damaged_in("stock", CONTROL_ROUNDS)
    assert damaged is not None, f"{CONTROL_ROUNDS} rounds went well: the harness is blind"
    figures(damaged_in_round=damaged)
    return since(began)
