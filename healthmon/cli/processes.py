"""`healthmon processes`: what of ours runs, since when, and what it uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.answers import processes
from healthmon.cli.context import open_database
from healthmon.cli.table import age
from healthmon.cli.terminal import show_table
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError
from healthmon.model.process import TOTAL
from healthmon.processes import programs
from healthmon.store import process_samples

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.answers.processes import ProcessDocument
    from healthmon.cli.context import Context
    from healthmon.config import Config
    from healthmon.model.process import ProcessSample

COLUMNS = ("process", "state", "pid", "for", "memory", "cpu", "threads", "files")


@click.command("processes")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def command(context: Context, *, as_json: bool) -> int:
    """Show what of ours runs, since when, and what it uses. Exit code 0 when all run, else 3."""
    config = context.config
    names = programs.names(config)
    found = processes.read(config.paths, names, _samples(config))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        show_table(COLUMNS, [_row(one, clock.now()) for one in found], right=COLUMNS[2:])
    ill = processes.unwell(config.paths, names)
    if ill.keys() == set(names):
        click.echo(f"healthmon: nothing is watching now (no agent runs on {config.paths.data_dir})", err=True)
        return EXIT_FAILED
    for name, state in ill.items():
        click.echo(f"healthmon: {name} does not run ({state.value}): `healthmon ctl tail {name}` says why", err=True)
    return EXIT_FAILED if ill else EXIT_FINE


def _samples(config: Config) -> list[ProcessSample]:
    """Return what each used lately; nothing without a database, which is no reason to say nothing of the processes."""
    try:
        connection = open_database(config.paths)
    except HealthmonError:
        return []
    try:
        return process_samples.newest(connection)
    finally:
        connection.close()


def _row(one: ProcessDocument, now: datetime) -> list[str]:
    memory, cpu_s, started = one["pss_bytes"], one["cpu_seconds"], one["started_at"]
    since = None if started is None else clock.from_iso(started)
    state = "" if one["program"] == TOTAL else one["state"].value.lower()
    return [
        one["program"],
        state,
        str(one["pid"] or ""),
        "" if since is None else age(since, now),
        "" if memory is None else f"{memory / 2**20:.1f} MiB",
        "" if cpu_s is None or since is None else f"{100 * cpu_s / max(1.0, (now - since).total_seconds()):.2f} %",
        str(one["threads"] or ""),
        str(one["open_files"] or ""),
    ]
