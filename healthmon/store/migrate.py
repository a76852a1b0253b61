"""How does a database come to the present schema? A new one from schema.sql, an older one step by step.

A step is a file `migrations/<version it leads to>.sql`. All of it, and the new version number, are one transaction: a
crash leaves the database as it was. A test proves that both ways end in the same schema.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from healthmon.errors import UsageError
from healthmon.store.row import integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.store.connection import Connection

APPLICATION_ID = 0x686D6F6E  # "hmon"
SCHEMA_VERSION = 1


def schema_sql() -> str:
    """Return the text of schema.sql."""
    return resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def migration_sql(version: int) -> str:
    """Return the step that leads to `version`."""
    return resources.files(__package__).joinpath("migrations", f"{version:04}.sql").read_text(encoding="utf-8")


def bring_up_to_date(
    connection: Connection,
    *,
    to: int = SCHEMA_VERSION,
    step: Callable[[int], str] = migration_sql,
) -> None:
    """Make the schema in an empty database, or take an older one of ours to the version `to`.

    Raises UsageError, having changed nothing, for a database of a newer version or of somebody else.
    """
    if version_of(connection) == to:
        require_ours(connection, newest=to)
        return
    with connection.transaction(durable=True):
        version = version_of(connection)  # another process may have been faster
        if version == 0 and connection.row("SELECT 1 FROM sqlite_schema LIMIT 1") is None:
            connection.run_script(schema_sql())
        else:
            require_ours(connection, newest=to)
            for following in range(version + 1, to + 1):
                connection.run_script(step(following))
        connection.rows(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.rows(f"PRAGMA user_version = {to}")


def require_ours(connection: Connection, *, newest: int = SCHEMA_VERSION) -> None:
    """Raise UsageError for a database that is not ours, or newer than we are."""
    if connection.row("PRAGMA application_id") != (APPLICATION_ID,):
        raise UsageError(
            f"{connection.path} is not a database of healthmon: move it away, or set database_path to another file; one of the earlier"
            " script's is taken over by `healthmon db import`",
        )
    version = version_of(connection)
    if version > newest:
        raise UsageError(
            f"{connection.path} has schema {version}, this healthmon knows up to {newest}: it was written by a newer"
            " version; install that one again, or set database_path to another file",
        )


def version_of(connection: Connection) -> int:
    """Return the version that a database says it has; 0 for a new one."""
    found = connection.row("PRAGMA user_version")
    return 0 if found is None else integer(found[0])
