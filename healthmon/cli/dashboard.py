"""`healthmon dashboard`: the report with the trends of the last 24 hours, as JSON."""

from __future__ import annotations

import json

import click

from healthmon.answers.report import read_dashboard
from healthmon.cli.context import Context, open_database


@click.command("dashboard")
@click.pass_obj
def command(context: Context) -> None:
    """Print the report with the trends of the last 24 hours, as JSON."""
    connection = open_database(context.config.paths)
    try:
        document = read_dashboard(connection, context.config)
    finally:
        connection.close()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
