"""`healthmon ctl`: supervisorctl, with the right file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from supervisor import supervisorctl

from healthmon.errors import EngineUnreachableError, HealthmonError
from healthmon.paths import Paths
from healthmon.processes import programs, supervision

if TYPE_CHECKING:
    from healthmon.cli.context import Context


@click.command("ctl", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False, readable=False), help="Where the agent runs, if no configuration says so.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(context: Context, data_dir: Path | None, words: tuple[str, ...]) -> None:
    """Look after the processes: status, stop, start, restart, tail and what else supervisorctl knows.

    \b
    healthmon ctl status
    healthmon ctl restart probe-core
    healthmon ctl tail -f evaluator

    It works with a broken configuration, too: then on the agent of the working directory, or of --data-dir.
    """  # noqa: D301  click wants the control character itself
    paths = _paths(context) if data_dir is None else _of(data_dir)
    if supervision.running_pid(paths.supervisor_socket) is None:
        raise EngineUnreachableError(f"nothing runs on {paths.data_dir}: `healthmon run` starts it")
    supervisorctl.main(["-c", str(programs.conf_file(paths)), *words])


def _paths(context: Context) -> Paths:
    """Return where the agent runs. Without a configuration that says so, it is here if a supervisord answers here."""
    try:
        return context.config.paths
    except HealthmonError as error:
        paths = _of(Path())
        if not programs.conf_file(paths).exists() or supervision.running_pid(paths.supervisor_socket) is None:
            click.echo("healthmon: without a configuration, say where the agent runs: healthmon ctl --data-dir DIR ...", err=True)
            raise
        for line in str(error).splitlines():
            click.echo(f"healthmon: {line}", err=True)
        click.echo(f"healthmon: the configuration cannot be used; this is the agent that runs on {paths.data_dir}", err=True)
        return paths


def _of(data_dir: Path) -> Paths:
    resolved = data_dir.resolve()
    return Paths(data_dir=resolved, database=resolved / "unknown")
