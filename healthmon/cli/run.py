"""`healthmon run`: watch and heal, in the foreground, until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from healthmon import __version__
from healthmon.heal.labels import asking
from healthmon.processes import programs, supervision
from healthmon.web.settings import url

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.config import Config


@click.command("run")
@click.option("--without", multiple=True, type=click.Choice([programs.HEALER]), help="A process that runs elsewhere, in a unit of its own.")
@click.pass_obj
def command(context: Context, *, without: tuple[str, ...] = ()) -> int:
    """Watch and heal, in the foreground, until Ctrl-C or SIGTERM. All processes run under a supervisord of their own."""
    _ = context.file  # what is wrong with it is told before anything else
    return supervision.run(context.source, introduce=_introduce, without=without)


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
