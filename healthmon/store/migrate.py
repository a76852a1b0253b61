"""How does a database come to the present schema? A new one from schema.sql, an older one step by step.

A step is a file `migrations/<version it leads to>.sql`. All of them, and the new version number, are one transaction: a
crash leaves the database as it was. Only who starts an agent takes it, after a backup: what else opens an older database,
such as a newer command beside an agent that was not started anew yet, leaves it alone. A test proves that both ways end
in the same schema.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from healthmon.errors import UsageError
from healthmon.failpoints import reach
from healthmon.store import shape
from healthmon.store.row import integer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.store.connection import Connection

APPLICATION_ID = 0x686D6F6E  # "hmon"
SCHEMA_VERSION = 1
BEFORE = "before-schema-"  # which a backup made before that upgrade is called after


def schema_sql() -> str:
    """Return the text of schema.sql."""
    return resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def migration_sql(version: int) -> str:
    """Return the step that leads to `version`."""
    return resources.files(__package__).joinpath("migrations", f"{version:04}.sql").read_text(encoding="utf-8")


def bring_up_to_date(connection: Connection, *, to: int | None = None, step: Callable[[int], str] | None = None) -> None:
    """Make the schema in an empty database, or take an older one of ours to the version `to`, which is the present one.

    Raises UsageError, having changed nothing, for a database of a newer version or of somebody else.
    """
    wanted, step_to = to or SCHEMA_VERSION, step or migration_sql
    if version_of(connection) == wanted:
        require_ours(connection)
        require_shape(connection)
        return
    with connection.transaction(durable=True):
        version = version_of(connection)  # another process may have been faster
        if _is_empty(connection, version):
            connection.run_script(schema_sql())
        else:
            require_ours(connection)
            for following in range(version + 1, wanted + 1):
                connection.run_script(step_to(following))
                reach("migrate.stepped")
        connection.rows(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.rows(f"PRAGMA user_version = {wanted}")


def make_or_require_present(connection: Connection) -> None:
    """Make the schema in an empty database; raise UsageError for one that is not ours, or of another version."""
    version = version_of(connection)
    if _is_empty(connection, version):
        bring_up_to_date(connection)
    else:
        require_present(connection)


def require_present(connection: Connection) -> None:
    """Raise UsageError for a database that is not ours, or of another version than ours."""
    require_ours(connection)
    version = version_of(connection)
    if version < SCHEMA_VERSION:
        raise UsageError(
            f"{connection.path} has schema {version}, and this healthmon works with {SCHEMA_VERSION}: start the agent anew with this"
            " version, which copies the database into backups/ and brings it up to date (sudo systemctl restart health-monitor, or"
            " `healthmon run`)",
        )


def require_ours(connection: Connection) -> None:
    """Raise UsageError for a database that is not ours, or newer than we are."""
    if connection.row("PRAGMA application_id") != (APPLICATION_ID,):
        raise UsageError(
            f"{connection.path} is not a database of healthmon: move it away, or set database_path to another file; one of the earlier"
            " script's is taken over by `healthmon db import`",
        )
    version = version_of(connection)
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"{connection.path} has schema {version}, this healthmon knows up to {SCHEMA_VERSION}: it was written by a newer"
            f" version. Install that one again; or go back to before the upgrade: stop what runs, and `healthmon db restore` the newest"
            f" {BEFORE}{version}-*.db in backups/ of data_dir; or set database_path to another file",
        )


def require_shape(connection: Connection) -> None:
    """Raise UsageError for a database whose number is ours, and whose tables are not. It costs too much to be asked each time."""
    found = shape.difference(connection.rows(shape.LISTING), schema_sql())
    if found:
        raise UsageError(unlike(connection.path, found))


def unlike(path: Path, difference: str) -> str:
    """Return what to say of a database that has our number, and other tables."""
    return (
        f"{path} has schema {SCHEMA_VERSION} by its number, but {difference}: it is of a healthmon from before the first release, or"
        f" somebody has changed it. With the agent stopped, `healthmon db import {path}` moves it aside and takes over its checks and alerts"
    )


def version_of(connection: Connection) -> int:
    """Return the version that a database says it has; 0 for a new one."""
    found = connection.row("PRAGMA user_version")
    return 0 if found is None else integer(found[0])


def _is_empty(connection: Connection, version: int) -> bool:
    return version == 0 and connection.row("SELECT 1 FROM sqlite_schema LIMIT 1") is None
