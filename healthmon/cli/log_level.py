"""`healthmon log-level`: how much the running processes say, changed without starting anything anew."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from healthmon import clock, log_level
from healthmon.cli.duration import Duration
from healthmon.processes.doorbell import ring

if TYPE_CHECKING:
    from healthmon.cli.context import Context

DEFAULT_LENGTH = timedelta(hours=1)


@click.command("log-level")
@click.argument("level", required=False, type=click.Choice([*log_level.LEVELS, "configured"], case_sensitive=False))
@click.option("--for", "length", type=Duration(), default=DEFAULT_LENGTH, help="How long; without it an hour.")
@click.pass_obj
def command(context: Context, level: str | None, length: timedelta) -> None:
    """Show the level of the running agent's records, or set it to LEVEL for a while; `configured` ends that at once."""
    config, now = context.config, clock.now()
    path = config.paths.log_level
    if level == "configured":
        path.unlink(missing_ok=True)
    elif level is not None:
        if not path.parent.is_dir():
            raise click.UsageError(f"no agent has run on {config.paths.data_dir} yet: start it, or set log_level in the configuration")
        log_level.write(path, log_level.Override(level=level, until=now + length))
    if level is not None:
        for bell in config.paths.doorbells.glob("*.sock"):
            ring(bell)
    override = log_level.read(path, now)
    click.echo(config.log_level if override is None else f"{override.level} until {clock.to_people(override.until)}, then {config.log_level}")
