"""`healthmon programs`: write the supervisord programs of a configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from healthmon.processes import programs, supervision

if TYPE_CHECKING:
    from healthmon.cli.context import Context


@click.command("programs")
@click.pass_obj
def command(context: Context) -> int:
    """Write the files that supervisord reads, enter the services into the database, and list the programs.

    `healthmon run` does this by itself; it is for who runs supervisord in another way. While one runs, it is refused.
    """
    paths = context.file.paths
    supervision.require_idle(paths)
    lock = supervision.take_ground(paths)
    try:
        applied, _ = supervision.write_down(paths, context.source)
    finally:
        os.close(lock)
    for program in programs.of_monitor(applied, paths):
        click.echo(program.name)
    click.echo(f"healthmon: written to {paths.programs}; `supervisord -n -c {programs.conf_file(paths)}` runs them", err=True)
    return 0
