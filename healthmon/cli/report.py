"""`healthmon report`: how every service is, as JSON."""

from __future__ import annotations

import json

import click

from healthmon.cli.context import Context, read_report
from healthmon.cli.documents import report_document
from healthmon.store import targets
from healthmon.store.connection import open_for_reading


@click.command("report")
@click.pass_obj
def command(context: Context) -> None:
    """Print how every service is, as JSON."""
    connection = open_for_reading(context.config.paths.database)
    try:
        document = report_document(read_report(connection, context.config), targets.load(connection))
    finally:
        connection.close()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
