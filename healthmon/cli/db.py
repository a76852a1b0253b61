"""`healthmon db …`: about the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

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
