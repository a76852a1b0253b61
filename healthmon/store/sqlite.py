"""Which SQLite do we use, and is it one that may be trusted with a database like ours?

Before 3.51.3 it can corrupt a WAL database that several processes write and checkpoint at once, which is what this one is: we
bring our own (apsw) and refuse to start on less.
"""

from __future__ import annotations

import apsw

from healthmon.errors import UsageError

SAFE_SQLITE = (3, 51, 3)


def sqlite_version() -> str:
    """Return the version of the SQLite that is in use, which is not the system's."""
    return apsw.sqlite_lib_version()


def require_safe_sqlite(version: str) -> None:
    """Raise UsageError for an SQLite that can corrupt a database like ours."""
    if tuple(map(int, version.split("."))) < SAFE_SQLITE:
        wanted = ".".join(map(str, SAFE_SQLITE))
        raise UsageError(
            f"apsw brings SQLite {version}, which can corrupt a database that several processes write;"
            f" at least {wanted} is needed: python -m pip install --upgrade apsw",
        )
