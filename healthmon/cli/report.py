"""`healthmon report`: how every service is, as JSON."""

from __future__ import annotations

import json

import click

from healthmon.cli.context import Context, open_database, read_report
from healthmon.cli.documents import report_document
from healthmon.store import targets


@click.command("report")
@click.pass_obj
def command(context: Context) -> None:
    """Print how every service is, as JSON."""
    connection = open_database(context.config.paths)
    try:
        document = report_document(read_report(connection, context.config), targets.load(connection))
    finally:
        connection.close()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
