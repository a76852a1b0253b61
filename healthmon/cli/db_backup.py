"""`healthmon db backup` and `db restore`: a copy of one moment, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.cli.alone import alone
from healthmon.cli.context import require_not_deleted
from healthmon.errors import UsageError
from healthmon.store import backup as store_backup
from healthmon.store import sentinel
from healthmon.store.files import BESIDE, make_directory
from healthmon.store.inspection import inspect
from healthmon.store.sentinel import Sentinel

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.store.inspection import Inspection

HOUR_S = 3_600.0  # a person waits for all of it to be read


@click.command("backup")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def backup(context: Context, file: Path | None) -> None:
    """Copy the database to FILE, or into backups/, while the agent runs. The copy is read through before it gets its name."""
    paths = context.config.paths
    require_not_deleted(paths)
    if not paths.database.exists():
        raise UsageError(f"there is no database at {paths.database} yet")
    target = file or paths.backups / store_backup.name_at(paths.database, clock.now())
    found = store_backup.copy(paths.database, target.absolute(), limit_s=HOUR_S)
    click.echo(f"{target}: {_contents(found)}")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def restore(context: Context, file: Path) -> None:
    """Put a backup in the place of the database, while no agent runs. What is there now is kept beside it."""
    paths = context.config.paths
    if file.exists() and paths.database.exists() and file.samefile(paths.database):
        raise UsageError(f"{file} is the database itself")
    with alone(paths, "restore"):
        inspect(file, limit_s=HOUR_S)
        make_directory(paths.database)
        now = clock.now()
        fresh = paths.database.with_name(f".{paths.database.name}.restored")
        fresh.unlink(missing_ok=True)  # of a restore that was broken off
        found = store_backup.copy(file, fresh, limit_s=HOUR_S)
        kept = _put_aside(paths.database, f"{now:%Y%m%dT%H%M%SZ}")
        fresh.rename(paths.database)
        known = Sentinel(created_at=now, written_until=found.newest, inode=paths.database.stat().st_ino)
        sentinel.write(paths, known)
    click.echo(f"{paths.database}: {_contents(found)}")
    if kept is not None:
        click.echo(f"what was there before is {kept}")


def _put_aside(database: Path, when: str) -> Path | None:
    """Move the database, with what belongs to it, out of the way; return where it is then."""
    if not database.exists():
        return None
    kept = database.with_name(f"{database.name}.before-{when}")
    for suffix in ("", *BESIDE):
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + suffix))
    return kept


def _contents(found: Inspection) -> str:
    until = "" if found.newest is None else f" until {clock.to_people(found.newest)}"
    return f"{found.rows['checks']} checks{until}, {found.rows['incidents']} incidents, {found.rows['alert_log']} alerts; all of it was read and is whole"
