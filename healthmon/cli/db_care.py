"""`healthmon db check`, `db prune` and `db vacuum`: is it whole, and does it hold what it should and no more?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.cli.context import open_database, require_not_deleted
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError, UsageError
from healthmon.history.retention import due
from healthmon.history.settings import kept
from healthmon.store import backup, migrate, retention, space
from healthmon.store.inspection import inspect
from healthmon.store.opening import open_for_writing
from healthmon.store.retention import KINDS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from healthmon.cli.context import Context
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

HOUR_S = 3_600.0
BATCH = 500
REST = 1.0  # how much longer than each transaction took the database is left to the agent
GIVE_BACK_PAGES = 64
MIB = 2**20


@click.command("check")
@click.option("--backups", "with_backups", is_flag=True, help="Read the backups in backups/ through as well.")
@click.pass_obj
def check(context: Context, *, with_backups: bool) -> int:
    """Read the whole database, and say whether it is whole. Exit code 3 when something is not."""
    paths = context.config.paths
    problems = _problems(paths)
    for problem in problems:
        click.echo(problem)
    if not problems:
        click.echo(f"{paths.database}: all of it was read and is whole")
    made = backup.backups(paths.backups, paths.database)
    if made:
        click.echo(f"the newest of {len(made)} backups is {made[-1]}")
    else:
        click.echo(f"there is no backup in {paths.backups}: `healthmon db backup` makes one")
    bad = [path for path in made if with_backups and not _is_whole(path)]
    return EXIT_FAILED if problems or bad else EXIT_FINE


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(context: Context, *, dry_run: bool, yes: bool) -> None:
    """Delete at once what is older than it is to be kept. The agent does it by itself, at the pace of time."""
    paths = context.config.paths
    require_not_deleted(paths)
    now = clock.now()
    edges = {name: due(now, length) for name, length in kept(context.config.dashboard.retention_days, context.config.retention).items()}
    connection = open_for_writing(paths.database)
    try:
        old = {name: sum(retention.count_older(connection, kind, before=edges[name]) for kind in kinds) for name, kinds in KINDS.items()}
        for name, rows in old.items():
            click.echo(f"{name:<18}{rows:>10} older than {clock.to_people(edges[name])}")
        if dry_run or not any(old.values()):
            return
        if not yes:
            click.confirm("delete them?", abort=True, err=True)
        for name in KINDS:
            click.echo(f"{name}: {_delete(connection, name, edges[name])} deleted", err=True)
    finally:
        connection.close()


@click.command("vacuum")
@click.option("--full", is_flag=True, help="Write the whole database anew: needs its size once more on the disk, and keeps the agent from writing meanwhile.")
@click.pass_obj
def vacuum(context: Context, *, full: bool) -> None:
    """Give what the database does not need back to the disk, while the agent works."""
    paths = context.config.paths
    require_not_deleted(paths)
    connection = open_for_writing(paths.database)
    try:
        before = space.measure(connection)
        if full:
            space.write_anew(connection)
        elif not before.gives_back:
            raise UsageError(f"{paths.database} was not made to give pages back one by one: `healthmon db vacuum --full` makes it so")
        else:
            _give_back(connection)
        space.checkpoint(connection, truncate=True)
        after = space.measure(connection)
    finally:
        connection.close()
    click.echo(f"{paths.database}: {before.size_bytes / MIB:.1f} MiB before, {after.size_bytes / MIB:.1f} MiB now")


def _problems(paths: Paths) -> list[str]:
    connection = open_database(paths)
    try:
        migrate.require_shape(connection)
        found = [str(row[0]) for row in connection.rows("PRAGMA integrity_check(20)")]
        strays = connection.rows("PRAGMA foreign_key_check")
    finally:
        connection.close()
    damage = [f"{paths.database} is damaged: {text}" for text in found if text != "ok"]
    return damage + [f"{paths.database}: a row of {row[0]} belongs to one of {row[2]} that is not there" for row in strays[:20]]


def _is_whole(path: Path) -> bool:
    try:
        found = inspect(path, limit_s=HOUR_S)
    except HealthmonError as error:
        click.echo(str(error))
        return False
    click.echo(f"{path}: {found.rows['checks']} checks; all of it was read and is whole")
    return True


def _delete(connection: Connection, name: str, before: datetime) -> int:
    total = 0
    for kind in KINDS[name]:
        begun = clock.monotonic()
        while deleted := retention.delete(connection, kind, before=before, limit=BATCH):
            total += deleted
            time.sleep(REST * (clock.monotonic() - begun))
            begun = clock.monotonic()
        retention.note_reached(connection, kind, before)
    return total


def _give_back(connection: Connection) -> None:
    while space.measure(connection).free:
        begun = clock.monotonic()
        space.give_back(connection, GIVE_BACK_PAGES)
        time.sleep(REST * (clock.monotonic() - begun))
