"""`healthmon db import`: what the earlier script has stored becomes our history."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from healthmon import clock, log
from healthmon.cli.alone import alone
from healthmon.cli.context import require_not_deleted
from healthmon.errors import UsageError
from healthmon.processes.directories import prepare_directories
from healthmon.store import services
from healthmon.store.earlier import Earlier, take_over
from healthmon.store.opening import open_for_writing
from healthmon.store.start import begin

if TYPE_CHECKING:
    from datetime import tzinfo

    from healthmon.cli.context import Context
    from healthmon.config import Config
    from healthmon.store.connection import Connection
    from healthmon.store.earlier import Imported


@click.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--timezone", "zone", default="UTC", show_default=True, help="The zone of its times, as in Europe/Berlin, where they do not say theirs.")
@click.pass_obj
def import_(context: Context, file: Path | None, zone: str) -> None:
    """Take over the checks and alerts of the earlier script's database FILE; without FILE of one that lies where ours belongs.

    That one is moved aside first, and kept. What was taken over already is not entered twice.
    """
    config, spoken = context.config, _zone(zone)
    prepare_directories(config.paths)  # an installation imports before its agent has ever run
    database = config.paths.database
    with ExitStack() as stack:
        if file is None or (file.exists() and database.exists() and file.samefile(database)):
            stack.enter_context(alone(config.paths, "import"))
            file = _moved_aside(database)
            click.echo(f"healthmon: the earlier database is {file} now", err=True)
        else:
            require_not_deleted(config.paths)
        source = Earlier(file)
        stack.callback(source.close)
        connection = _opened(config, stack)
        done = take_over(connection, source, zone=spoken, now=clock.now(), said=lambda name: click.echo(f"healthmon: {name}", err=True))
    _tell(done)


def _moved_aside(database: Path) -> Path:
    Earlier(database).close()
    kept = database.with_name(f"{database.name}.earlier-{clock.now():%Y%m%dT%H%M%SZ}")
    for suffix in ("", "-wal", "-shm", "-journal"):
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + suffix))
    return kept


def _opened(config: Config, stack: ExitStack) -> Connection:
    """Open our database, making it where there is none: then nobody else may be at work."""
    if config.paths.database.exists():
        connection = open_for_writing(config.paths.database)
        stack.callback(connection.close)
        return connection
    connection = begin(config.paths, log.Log("import"))
    stack.callback(connection.close)
    services.sync(connection, [(one.name, one.group, one.critical) for one in config.enabled_services()], now=clock.now())
    return connection


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"there is no time zone {name[:40]!r}: write it as in Europe/Berlin") from None


def _tell(done: Imported) -> None:
    click.echo(f"{done.checks} checks and {done.alerts} alerts of {done.services} services are new")
    if done.oldest is not None and done.newest is not None:
        click.echo(f"the checks are from {clock.to_people(done.oldest)} to {clock.to_people(done.newest)}")
    if done.unreadable:
        click.echo(f"{done.unreadable} rows were left out: their time or status cannot be read")
    click.echo("hours and days are counted when the agent runs next")
