"""`healthmon programs`: write the supervisord programs of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from healthmon.processes import loop, programs

if TYPE_CHECKING:
    from healthmon.cli.context import Context


@click.command("programs")
@click.pass_obj
def command(context: Context) -> int:
    """Write the files that supervisord reads, and list the programs in them.

    `healthmon run` does this by itself; it is for who runs supervisord in another way.
    """
    paths = context.config.paths
    loop.prepare_directories(paths)
    wanted = programs.of_monitor(context.config, context.source)
    programs.write(paths, wanted)
    conf = programs.write_conf(paths)
    for program in wanted:
        click.echo(program.name)
    click.echo(f"healthmon: written to {paths.programs}; `supervisord -n -c {conf}` runs them", err=True)
    return 0
