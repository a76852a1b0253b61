"""`healthmon slo`: the document's service levels, measured."""

from __future__ import annotations

import csv
import json
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.answers import slo as answers
from healthmon.answers.slo import Period, last_days
from healthmon.cli.context import open_database
from healthmon.cli.terminal import show_table
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY, UsageError
from healthmon.history.slo import SloVerdict

if TYPE_CHECKING:
    from healthmon.answers.slo import FalseAlarmDocument, ObjectiveDocument, ServiceLevelDocument, SloDocument
    from healthmon.cli.context import Context

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
OBJECTIVE_COLUMNS = ("", "target", "measured", "", "from", "known")
SERVICE_COLUMNS = ("service", "", "uptime", "known", "down", "budget", "left", "p95", "checks")


@click.command("slo")
@click.option("--days", type=click.IntRange(1, 3_660), default=30, show_default=True, help="How far back, from now.")
@click.option("--month", help="A calendar month (of UTC) instead, as in 2026-11.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="A line a service, for a spreadsheet.")
@click.pass_obj
def command(context: Context, days: int, month: str | None, *, as_json: bool, as_csv: bool) -> int:
    """Show whether the targets were met, from how much that is known, and how much of its budget each service has left.

    Exit code 1 when a target was missed.
    """
    now = clock.now()
    period = last_days(now, days) if month is None else _of_month(month, now)
    connection = open_database(context.config.paths)
    try:
        document = answers.read(connection, context.config, period)
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif as_csv:
        _write_csv(document)
    else:
        _show(document)
    return EXIT_NOT_HEALTHY if any(one["verdict"] is SloVerdict.MISSED for one in document["objectives"]) else EXIT_FINE


def _of_month(text: str, now: datetime) -> Period:
    found = _MONTH.fullmatch(text)
    if found is None:
        raise UsageError(f"--month is a year and a month, as in 2026-11, and not {text[:20]!r}")
    year, month = int(found[1]), int(found[2])
    since = datetime(year, month, 1, tzinfo=UTC)
    until = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    if since > now:
        raise UsageError(f"{text} has not begun")
    return Period(since=since, until=min(until, now))


def _show(document: SloDocument) -> None:
    click.echo(f"from {document['since']} to {document['until']}")
    show_table(OBJECTIVE_COLUMNS, [_objective_row(one) for one in document["objectives"]], right={"target", "measured", "known"})
    click.echo("")
    show_table(SERVICE_COLUMNS, [_service_row(one) for one in document["services"]], right=set(SERVICE_COLUMNS[2:]))
    click.echo("")
    for objective in document["objectives"]:
        click.echo(f"{answers.TITLES[objective['objective']]}: {objective['definition']}")
    for one in document["false_alarms"]:
        click.echo(_false_alarm(one))
    if document["false_alarms"]:
        click.echo("unproven: over within five minutes, without an outage or an acknowledgement; `healthmon alerts false NUMBER` marks one as false")


def _objective_row(one: ObjectiveDocument) -> tuple[str, ...]:
    return (
        answers.TITLES[one["objective"]],
        answers.wanted(one),
        answers.measured(one),
        one["verdict"].value,
        f"{one['samples']} {one['sampled']}",
        "" if one["coverage"] is None else f"{one['coverage']:.1f} %",
    )


def _service_row(one: ServiceLevelDocument) -> tuple[str, ...]:
    uptime, p95 = one["uptime_percentage"], one["p95_response_time"]
    return (
        one["service_name"],
        one["verdict"].value,
        "unknown" if uptime is None else f"{uptime:.3f} %",
        f"{one['coverage']:.1f} %",
        _length(one["unhealthy_seconds"]),
        _length(one["budget_seconds"]),
        f"{one['budget_left_percentage']:.0f} %",
        "" if p95 is None else f"{p95 * 1000:.0f} ms",
        str(one["checks"]),
    )


def _false_alarm(one: FalseAlarmDocument) -> str:
    why = "unproven" if one["marked_by"] is None else f"false, says {one['marked_by']}"
    return f"{why}: alert {one['alert_id']}, {one['alert_type']} of {one['service_name']} at {one['triggered_at']}"


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"  # noqa: PLR2004  two of the larger unit


def _write_csv(document: SloDocument) -> None:
    rows = document["services"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow(["" if value is None else value for value in row.values()])
