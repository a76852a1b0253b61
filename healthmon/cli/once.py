"""`healthmon once`: one round over all services, stored and evaluated."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from healthmon import clock, log
from healthmon.answers import live
from healthmon.answers.report import report_document
from healthmon.cli import containers, table
from healthmon.cli.alone import AGENT, hold_roles
from healthmon.cli.context import Context, open_database, require_not_deleted
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY
from healthmon.heal.settings import HealSettings
from healthmon.history.report import OverallHealth
from healthmon.processes.directories import prepare_directories
from healthmon.processes.evaluator import Evaluator
from healthmon.processes.roles import is_held
from healthmon.processes.round import Round
from healthmon.store import checks, services, targets
from healthmon.store.start import begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config, ServiceSettings
    from healthmon.model.check import Check
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

PROGRAM = "once"


@click.command("once")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of a table.")
@click.pass_obj
def command(context: Context, *, as_json: bool) -> int:
    """Look at every service once, store and evaluate it, and say how they are.

    Beside a running agent it asks that agent's state instead. Exit code 0 when all are healthy, 1 when one is not.
    """
    config = context.complete
    prepare_directories(config.paths)
    log.set_up_stream(level=_level(config))
    require_not_deleted(config.paths)
    with ExitStack() as stack:
        if hold_roles(config.paths, stack, PROGRAM):
            connection = begin(config.paths, log.Log(PROGRAM))
            stack.callback(connection.close)
            _make_round(config, connection)
        else:
            holder = _holder(config.paths)
            if not config.paths.database.exists():
                click.echo(f"healthmon: {holder}; it has just started and has no data yet: try again in a moment", err=True)
                return EXIT_NOT_HEALTHY
            click.echo(f"healthmon: {holder}: this is what it knows", err=True)
            connection = open_database(config.paths)
            stack.callback(connection.close)
        return _show(config, connection, as_json=as_json)


def _holder(paths: Paths) -> str:
    """Say who has the roles: what takes the agent's for something else than an agent writes that beside its pid."""
    lock = paths.lock(AGENT)
    pid, *verb = (lock.read_text(encoding="utf-8").split() if is_held(lock) else []) or [""]
    if verb:
        return f"another `healthmon {verb[0]}` (pid {pid}) is at work on {paths.data_dir}"
    return f"an agent is running on {paths.data_dir}"


def _make_round(config: Config, connection: Connection) -> None:
    wanted = config.enabled_services()
    known = services.sync(connection, [(s.name, s.group, s.critical) for s in wanted], now=clock.now())
    ids = {name: service.service_id for name, service in known.items()}
    checks.append(connection, _with_progress(wanted, ids) if sys.stderr.isatty() else _look(wanted, ids, lambda _name: None))
    watch_only = config.model_copy(update={"self_healing": HealSettings()})
    evaluator = Evaluator(watch_only, connection, log.Log(PROGRAM))
    while evaluator.step() == 0.0:
        pass


def _look(wanted: tuple[ServiceSettings, ...], ids: dict[str, int], on_settled: Callable[[str], None]) -> list[Check]:
    asked = Round([service for service in wanted if service.is_probed], ids, log.Log(PROGRAM)).run(on_settled)
    return [*asked, *containers.looks([service for service in wanted if not service.is_probed], ids, on_settled)]


def _with_progress(wanted: tuple[ServiceSettings, ...], ids: dict[str, int]) -> list[Check]:
    from rich.console import Console  # noqa: PLC0415  only a terminal pays for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[last]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(wanted), last="")
        return _look(wanted, ids, lambda name: progress.update(task, advance=1, last=name))


def _show(config: Config, connection: Connection, *, as_json: bool) -> int:
    report, found = live.read(connection, config), targets.load(connection)
    if report.lines and all(line.last_updated is None for line in report.lines):
        click.echo("healthmon: nothing has been checked yet: what is at work has just started; try again in a moment", err=True)
    if as_json:
        click.echo(json.dumps(report_document(report, {sid: one.summary for sid, one in found.items()}), indent=2, ensure_ascii=False))
    else:
        table.show(report, found)
    return EXIT_FINE if report.overall is OverallHealth.HEALTHY else EXIT_NOT_HEALTHY


def _level(config: Config) -> str:
    """The table says it all; in a pipe, each look is said as a record too: that is where people grep for them."""
    if config.log_level != "INFO":
        return config.log_level
    return "ERROR" if sys.stderr.isatty() else "DEBUG"
