"""`healthmon db …`: where the database is, how it is, and its backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from healthmon.cli.db_backup import backup, restore
from healthmon.cli.db_care import check, prune, vacuum
from healthmon.cli.db_import import import_
from healthmon.cli.db_stats import stats

if TYPE_CHECKING:
    from healthmon.cli.context import Context


@click.group("db")
def command() -> None:
    """About the database."""


@command.command("path")
@click.pass_obj
def path(context: Context) -> None:
    """Print where the database lies, whether it is there yet or not."""
    click.echo(context.config.paths.database)


for one in (backup, restore, check, prune, vacuum, stats, import_):
    command.add_command(one)
