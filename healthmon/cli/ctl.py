"""`healthmon ctl`: supervisorctl, with the right file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from supervisor import supervisorctl

from healthmon.errors import EngineUnreachableError
from healthmon.processes import programs, supervision

if TYPE_CHECKING:
    from healthmon.cli.context import Context


@click.command("ctl", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(context: Context, words: tuple[str, ...]) -> None:
    r"""Look after the processes: status, stop, start, restart, tail and what else supervisorctl knows.

    \b
    healthmon ctl status
    healthmon ctl restart probe-core
    healthmon ctl tail -f evaluator
    """
    paths = context.config.paths
    if supervision.running_pid(paths.supervisor_socket) is None:
        raise EngineUnreachableError(f"nothing runs on {paths.data_dir}: `healthmon run` starts it")
    supervisorctl.main(["-c", str(programs.conf_file(paths)), *words])
