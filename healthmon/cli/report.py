"""`healthmon report`: how every service is, as JSON."""

from __future__ import annotations

import json

import click

from healthmon.answers.report import read_report
from healthmon.cli.context import Context, open_database


@click.command("report")
@click.pass_obj
def command(context: Context) -> None:
    """Print how every service is, as JSON."""
    connection = open_database(context.config.paths)
    try:
        document = read_report(connection, context.config)
    finally:
        connection.close()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
