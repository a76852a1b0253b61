"""`healthmon demo`: see it at work on 17 small services of its own."""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import click

from healthmon import config as configuration
from healthmon.demo.agent import Agent
from healthmon.demo.choosing import an_ecosystem
from healthmon.demo.ecosystem import service_names, write_config
from healthmon.demo.show import Show
from healthmon.errors import EXIT_FINE

CONFIG = "demo.json"


@click.command("demo")
@click.option("--docker", is_flag=True, help="With real containers on the local Docker Engine.")
@click.option("--seconds-until-ill", type=click.FloatRange(0), default=8.0, show_default=True, help="How long all is well.")
@click.option("--until-healed", is_flag=True, help="End when the illness is healed, instead of at Ctrl-C.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Keep the data here; otherwise it is removed.")
def command(*, docker: bool, seconds_until_ill: float, until_healed: bool, data_dir: Path | None) -> int:
    """Start 17 small services with the monitor beside them, let one fall ill, and tell what the monitor does about it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with ExitStack() as stack:
        directory = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="healthmon-demo-", ignore_cleanup_errors=True)))
        try:
            _play(stack, directory.absolute(), docker=docker, seconds_until_ill=seconds_until_ill, until_healed=until_healed)
        except KeyboardInterrupt:
            click.echo("\nStopping everything ...")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # once is enough: what was started is being stopped
    click.echo("Everything is stopped" + ("." if data_dir else ", and the data is removed (--data-dir DIR would keep it)."))
    return EXIT_FINE


def _play(stack: ExitStack, directory: Path, *, docker: bool, seconds_until_ill: float, until_healed: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    ecosystem = an_ecosystem(service_names(), docker=docker)
    stack.callback(ecosystem.close)
    source = directory / CONFIG
    write_config(source, ecosystem.members)
    config = configuration.load(source)
    agent = stack.enter_context(Agent(source))
    Show(config, source, ecosystem, agent).play(seconds_until_ill=seconds_until_ill, until_healed=until_healed)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
