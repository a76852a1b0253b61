"""`healthmon once`: one round over all services, stored and evaluated."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from healthmon import clock, log
from healthmon.cli import table
from healthmon.cli.context import Context, read_report, require_not_deleted
from healthmon.cli.documents import report_document
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY
from healthmon.heal.settings import HealSettings
from healthmon.history.report import OverallHealth
from healthmon.processes.evaluator import Evaluator
from healthmon.processes.loop import prepare_directories
from healthmon.processes.roles import try_lock
from healthmon.processes.round import Round
from healthmon.store import checks, services, targets
from healthmon.store.connection import create_or_open, open_for_reading

if TYPE_CHECKING:
    from healthmon.config import Config
    from healthmon.model.check import Check
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

PROGRAM = "once"
# An agent's, and its evaluator's: under a stock supervisord only the latter is held, and not while it starts anew.
ROLES = ("agent", "evaluator")


@click.command("once")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of a table.")
@click.pass_obj
def command(context: Context, *, as_json: bool) -> int:
    """Look at every service once, store and evaluate it, and say how they are.

    Beside a running agent it asks that agent's state instead. Exit code 0 when all are healthy, 1 when one is not.
    """
    config = context.config
    prepare_directories(config.paths)
    log.set_up_stream(level=_level(config))
    require_not_deleted(config.paths)
    with ExitStack() as stack:
        if _hold_roles(config.paths, stack):
            connection = create_or_open(config.paths.database)
            stack.callback(connection.close)
            _make_round(config, connection)
        else:
            click.echo(f"healthmon: an agent is running on {config.paths.data_dir}: this is what it knows", err=True)
            connection = open_for_reading(config.paths.database)
            stack.callback(connection.close)
        return _show(config, connection, as_json=as_json)


def _hold_roles(paths: Paths, stack: ExitStack) -> bool:
    """Take the roles that nobody else may have meanwhile, for as long as `stack` is open; none when one is taken."""
    with ExitStack() as held:
        for role in ROLES:
            lock = try_lock(paths.lock(role))
            if lock is None:
                return False
            held.callback(os.close, lock)
        stack.push(held.pop_all())
    return True


def _make_round(config: Config, connection: Connection) -> None:
    wanted = config.enabled_services()
    known = services.sync(connection, [(s.name, s.group, s.critical) for s in wanted], now=clock.now())
    ids = {name: service.service_id for name, service in known.items()}
    round_ = Round(wanted, ids)
    looks = _with_progress(round_, len(wanted)) if sys.stderr.isatty() else round_.run(lambda _name: None)
    checks.append(connection, looks)
    watch_only = config.model_copy(update={"self_healing": HealSettings()})
    evaluator = Evaluator(watch_only, connection, log.Log(PROGRAM))
    while evaluator.step() == 0.0:
        pass


def _with_progress(round_: Round, total: int) -> list[Check]:
    from rich.console import Console  # noqa: PLC0415  only a terminal pays for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[last]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, last="")
        return round_.run(lambda name: progress.update(task, advance=1, last=name))


def _show(config: Config, connection: Connection, *, as_json: bool) -> int:
    report, found = read_report(connection, config), targets.load(connection)
    if as_json:
        click.echo(json.dumps(report_document(report, found), indent=2, ensure_ascii=False))
    else:
        table.show(report, found)
    return EXIT_FINE if report.overall is OverallHealth.HEALTHY else EXIT_NOT_HEALTHY


def _level(config: Config) -> str:
    """The table says it all; in a pipe, what went wrong is said as records too, which is what people grep for."""
    if config.log_level != "INFO":
        return config.log_level
    return "ERROR" if sys.stderr.isatty() else "WARNING"
