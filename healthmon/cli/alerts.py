"""`healthmon alerts …`: what fires, who was told of it, and what a person says to it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.alerts.ourselves import OURSELVES
from healthmon.alerts.silences import read_matcher
from healthmon.answers.alerts import documents
from healthmon.cli.acting import act, one_line
from healthmon.cli.alert_channels import channels, test
from healthmon.cli.alert_tables import show_alerts, show_review, show_silences, show_story
from healthmon.cli.context import open_database
from healthmon.cli.duration import Duration
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.person import person
from healthmon.store import alert_review, alerts, conversations, deliveries, services, silences

if TYPE_CHECKING:
    from healthmon.cli.context import Context

LINES = 20

@click.group("alerts", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> int | None:
    """What fires, who was told of it, and what a person says to it. Without a word more: `list`."""
    return None if ctx.invoked_subcommand else ctx.invoke(list_)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def list_(context: Context, *, as_json: bool = False) -> int:
    """Show what fires now, worst first. Exit code 1 when anything does."""
    connection = open_database(context.config.paths)
    now = clock.now()
    try:
        names = {service.service_id: name for name, service in services.by_name(connection).items()}
        firing = alerts.firing(connection)
        spoken = {one.service_id: one for one in conversations.open_conversations(connection)}
        quiet = silences.not_over(connection, now=now)
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps(documents(firing, spoken, names), indent=2, ensure_ascii=False))
    else:
        show_alerts(firing, spoken, names, now)
        show_silences(quiet)
    return EXIT_NOT_HEALTHY if firing else EXIT_FINE


@command.command("ack")
@click.argument("service")
@click.option("--reason", "-m", default="", help="Why, for those who read it later.")
@click.option("--for", "length", type=Duration(), help="Until then only, as in 2h; without it until the outage is over.")
@click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
@click.pass_obj
def ack(context: Context, service: str, reason: str, length: timedelta | None, author: str | None) -> int:
    """Say that SERVICE's outage is seen: no reminders until it is over. Its end is told all the same."""
    context.config.service(service)
    now = clock.now()
    action = OperatorAction(
        kind=OperatorActionKind.ACKNOWLEDGE,
        made_at=now,
        author=one_line(author or person(), "--by"),
        reason=one_line(reason, "--reason"),
        service=service,
        until=None if length is None else now + length,
    )
    return act(context.config.paths, action)


@command.command("silence")
@click.argument("matchers", nargs=-1, required=True)
@click.option("--for", "length", type=Duration(), required=True, help="How long, as in 2h.")
@click.option("--reason", "-m", required=True, help="Why, for those who wonder.")
@click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
@click.pass_obj
def silence(context: Context, matchers: tuple[str, ...], length: timedelta, reason: str, author: str | None) -> int:
    """Tell nobody of what matches all MATCHERS, as in service='doc_*' or severity!=critical. It goes on to be recorded."""
    for matcher in matchers:
        read_matcher(matcher)
    now = clock.now()
    action = OperatorAction(
        kind=OperatorActionKind.SILENCE,
        made_at=now,
        author=one_line(author or person(), "--by"),
        reason=one_line(reason, "--reason"),
        matchers=matchers,
        until=now + length,
    )
    return act(context.config.paths, action)


@command.command("unsilence")
@click.argument("silence_id", type=click.IntRange(min=1))
@click.pass_obj
def unsilence(context: Context, silence_id: int) -> int:
    """End a silence, by its number in `healthmon alerts`."""
    action = OperatorAction(kind=OperatorActionKind.END_SILENCE, made_at=clock.now(), author=person(), silence_id=silence_id)
    return act(context.config.paths, action)


@command.command("false")
@click.argument("alert_id", type=click.IntRange(min=1))
@click.option("--reason", "-m", default="", help="Why, for those who read it later.")
@click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
@click.pass_obj
def false(context: Context, alert_id: int, reason: str, author: str | None) -> int:
    """Say that an alert was about nothing. Its number is in `healthmon slo` and `healthmon alerts list --json`."""
    action = OperatorAction(
        kind=OperatorActionKind.FALSE_ALARM,
        made_at=clock.now(),
        author=one_line(author or person(), "--by"),
        reason=one_line(reason, "--reason"),
        alert_id=alert_id,
    )
    return act(context.config.paths, action)


@command.command("review")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def review(context: Context, days: int, *, as_json: bool) -> None:
    """Show how often each rule fired, for how long, and what people made of it: acknowledged, called false, or ignored."""
    connection = open_database(context.config.paths)
    try:
        now = clock.now()
        found = alert_review.per_rule(connection, now=now, since=now - timedelta(days=days))
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps([line.document() for line in found], indent=2, ensure_ascii=False))
    else:
        show_review(found, days)


@command.command("show")
@click.argument("service")
@click.pass_obj
def show(context: Context, service: str) -> None:
    """Show what was said about SERVICE lately, to whom, and what each receiver answered; `healthmon` is ourselves."""
    if service != OURSELVES:
        context.config.service(service)
    connection = open_database(context.config.paths)
    try:
        known = services.by_name(connection).get(service)
        sid = None if known is None else known.service_id
        firing = [one for one in alerts.firing(connection) if one.service_id == sid and (known is not None or service == OURSELVES)]
        told = deliveries.about(connection, service, limit=LINES)
    finally:
        connection.close()
    show_story(service, firing, told, clock.now())


command.add_command(channels)
command.add_command(test)
