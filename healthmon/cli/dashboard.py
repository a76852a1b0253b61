"""`healthmon dashboard`: the report with the trends of the last 24 hours, as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from healthmon import clock
from healthmon.cli.context import Context, open_database, read_report
from healthmon.cli.documents import DashboardDocument, report_document, trends_document
from healthmon.store import targets, trends

TREND = timedelta(hours=24)


@click.command("dashboard")
@click.pass_obj
def command(context: Context) -> None:
    """Print the report with the trends of the last 24 hours, as JSON."""
    connection = open_database(context.config.paths)
    since = clock.now() - TREND
    try:
        document = DashboardDocument(
            **report_document(read_report(connection, context.config), targets.load(connection)),
            trends=trends_document(
                trends.hourly_health(connection, since),
                trends.response_times(connection, since),
                trends.alert_counts(connection, since),
            ),
        )
    finally:
        connection.close()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
