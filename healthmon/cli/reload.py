"""`healthmon reload`: have the agent apply its file as it is now, without a missed check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from healthmon.cli import agents
from healthmon.errors import EXIT_FINE, EngineUnreachableError
from healthmon.person import person
from healthmon.processes import reload_line

if TYPE_CHECKING:
    from healthmon.cli.context import Context

PATIENCE_S = 90.0  # a program that is to go may take its time


@click.command("reload")
@click.pass_obj
def command(context: Context) -> int:
    """Have the running agent apply its file: checked as a whole, and then all of it or nothing.

    Services that stay are looked at in their time, and processes whose services stay are not started anew. Exit code 0
    when it is applied, 2 when it is refused: then the agent goes on with what it has.
    """
    found = agents.find(context.source)
    if found is None:
        _ = context.file  # what is wrong with it is worth more than that nothing runs
        raise EngineUnreachableError(
            f"no agent runs with {context.source}: the file is valid, and `healthmon run` starts one with it; one that was"
            " started with another file is reloaded with that: --config FILE",
        )
    paths, _ = found
    answer = reload_line.ask(paths.reload_socket, author=person(), timeout_s=PATIENCE_S)
    for line in answer.lines:
        click.echo(line if answer.exit_code == EXIT_FINE else f"healthmon: {line}", err=answer.exit_code != EXIT_FINE)
    if answer.exit_code != EXIT_FINE:
        click.echo("healthmon: nothing was changed: the agent goes on with what it has", err=True)
    return answer.exit_code
