"""`healthmon run`: watch and heal, in the foreground, until Ctrl-C."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthmon import __version__, clock
from healthmon.cli.rights import become_owner
from healthmon.config import DATA_DIR
from healthmon.config_source.place import MissingError
from healthmon.errors import ConfigError
from healthmon.heal.labels import asking
from healthmon.log_journal import marked
from healthmon.processes import configuring, programs, supervision
from healthmon.web.settings import url

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.config import Config
    from healthmon.processes.configuring import Resumed


MEND = "mend the file"
PUT_BACK = "put the file back, which `healthmon config applied` prints"


@click.command("run")
@click.option("--without", multiple=True, type=click.Choice([programs.HEALER]), help="A process that runs elsewhere, in a unit of its own.")
@click.option("--last-good", is_flag=True, help="Where the file is gone or cannot be used: go on with what was last applied in $HEALTHMON_DATA_DIR.")
@click.pass_obj
def command(context: Context, *, without: tuple[str, ...] = (), last_good: bool = False) -> int:
    """Watch and heal, in the foreground, until Ctrl-C or SIGTERM. All processes run under a supervisord of their own.

    A file that is gone or cannot be used is refused with exit code 2. With --last-good, as the unit has it, an agent that was
    once started with this file goes on with what was last applied of it, and alerts: a reboot is no moment to stop watching.
    """
    resumed = None
    try:
        _ = context.file  # what is wrong with it is told before anything else
    except (ConfigError, MissingError) as error:
        resumed = _last(context, without, error) if last_good else None
        if resumed is None:
            raise
    source = context.source if resumed is None else resumed.applied.source
    return supervision.run(source, introduce=_introduce, without=without, resumed=resumed)


def _last(context: Context, without: tuple[str, ...], error: ConfigError | MissingError) -> Resumed | None:
    places, remedy = (error.places, PUT_BACK) if isinstance(error, MissingError) else ((context.source,), MEND)
    data_dir = os.environ.get(DATA_DIR)
    if not data_dir:
        return None
    resumed = (configuring.resume(place, Path(data_dir).absolute(), without=without, problem=str(error)) for place in places)
    found = next(filter(None, resumed), None)
    if found is not None:
        become_owner(found.config.paths.data_dir)
        for line in str(error).splitlines():
            click.echo(marked(f"healthmon: {line}"), err=True)
        last = found.applied
        words = f"goes on with configuration {last.number}, applied {clock.to_people(last.applied_at)}: {remedy}, then `healthmon reload`"
        click.echo(marked(f"healthmon: {words}"), err=True)
    return found


def _introduce(config: Config) -> None:
    for line in _introduction(config):
        click.echo(f"healthmon: {line}", err=True)


def _introduction(config: Config) -> list[str]:
    return [
        f"{__version__} watches {_watched(config)}",
        _healing(config),
        *([f"page {url(config.web)}"] if config.web.enabled else []),
        f"database {config.paths.database}, logs in {config.paths.logs}",
        "`healthmon status` shows the services, `healthmon ctl status` the processes; Ctrl-C stops everything",
    ]


def _watched(config: Config) -> str:
    services, groups = config.enabled_services(), config.groups()
    if not services:
        return asking(config.discovery)
    seconds = sorted({service.interval_seconds for service in services})
    every = f"{seconds[0]:g}" if len(seconds) == 1 else f"{seconds[0]:g} to {seconds[-1]:g}"
    return f"{len(services)} services in {len(groups)} groups ({', '.join(groups)}), every {every} s"


def _healing(config: Config) -> str:
    healing = config.self_healing
    if not healing.switched_on:
        return "restarts nothing: self_healing.enabled and restart_unhealthy_services are not both true"
    if healing.dry_run:
        return "restarts nothing, but records what it would restart: self_healing.dry_run is true"
    return f"restarts what is ill, at most {healing.max_restart_attempts} times in one incident"
