"""`healthmon status`: how every service is, for a person."""

from __future__ import annotations

import json

import click

from healthmon.answers import live
from healthmon.answers.report import report_document
from healthmon.cli import agents, table
from healthmon.cli.context import Context, open_database
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY
from healthmon.history.report import OverallHealth
from healthmon.processes.roles import is_held
from healthmon.store import facts, targets


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON: what `report` prints.")
@click.pass_obj
def command(context: Context, *, as_json: bool) -> int:
    """Show how every service is, worst first. Exit code 0 when all are healthy and somebody can be told, else 1."""
    paths = context.config.paths
    connection = open_database(paths)
    try:
        report, found = live.read(connection, context.config), targets.load(connection)
        unreached = facts.noted(connection, facts.NOBODY_REACHED)
        refused = facts.noted(connection, facts.CONFIGURATION_REFUSED)
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps(report_document(report, {sid: one.summary for sid, one in found.items()}), indent=2, ensure_ascii=False))
    else:
        table.show(report, found)
        shown = [found[line.service.service_id] for line in report.lines if line.service.service_id in found]
        problems = sorted({one.problem for one in shown if one.problem})
        for problem in problems[:3]:
            click.echo(f"healthmon: no container known: {problem}", err=True)
    if not is_held(paths.lock("evaluator")):
        click.echo(f"healthmon: nothing is watching now (no agent runs on {paths.data_dir})", err=True)
    if refused and agents.is_usable(context.source):  # else what is wrong with it has been said
        click.echo(f"healthmon: the file was refused: {_why(refused)}", err=True)
    if unreached:
        click.echo(f"healthmon: nobody can be told of anything: every channel fails ({unreached})", err=True)
    return EXIT_FINE if report.overall is OverallHealth.HEALTHY and not unreached else EXIT_NOT_HEALTHY


def _why(refused: str) -> str:
    told = json.loads(refused)
    return f"{told['problem']} (at {told['at']}, for {told['author']})"
