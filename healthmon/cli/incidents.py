"""`healthmon incidents …`: what was ill, when, why, and what was done about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.answers import incidents as answers
from healthmon.answers.story import read_story
from healthmon.cli.context import open_database
from healthmon.cli.incident_tables import show_incidents, show_story, story_document
from healthmon.errors import UsageError
from healthmon.store import heals, incidents, services

if TYPE_CHECKING:
    from healthmon.cli.context import Context

LINES = 20


@click.group("incidents", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """What was ill, when, why, and what was done about it. Without a word more: `list`."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command("list", short_help="outages, newest first")
@click.argument("service", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=LINES, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def list_(context: Context, service: str | None = None, limit: int = LINES, *, only_open: bool = False, as_json: bool = False) -> None:
    """Show the outages of SERVICE, or of all, newest first."""
    if service is not None:
        context.config.service(service)
    connection = open_database(context.config.paths)
    try:
        known = services.all_by_id(connection)
        sid = None if service is None else next((one.service_id for one in known.values() if one.name == service), 0)
        is_open = True if only_open else None
        found = incidents.page(connection, before=None, limit=limit, service_id=sid, is_open=is_open)
        made = {one.incident_id: heals.of_incident(connection, one.incident_id) for one in found}
        told = answers.read_page(connection, before=None, limit=limit, service_id=sid, is_open=is_open) if as_json else []
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif not found:
        click.echo("nothing is ill" if only_open else "nothing was ill yet")
    else:
        show_incidents(found, made, {one: service.name for one, service in known.items()}, clock.now())


@command.command("show", short_help="the story of one, with the evidence")
@click.argument("incident_id", type=click.IntRange(min=1))
@click.option("--full", is_flag=True, help="All lines of the evidence, not only twelve of each kind.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with all lines.")
@click.pass_obj
def show(context: Context, incident_id: int, *, full: bool, as_json: bool) -> None:
    """Show one outage by its number: what happened in which order, and the evidence that was kept."""
    connection = open_database(context.config.paths)
    try:
        story = read_story(connection, incident_id)
    finally:
        connection.close()
    if story is None:
        raise UsageError(f"there is no incident {incident_id}: see `healthmon incidents`")
    if as_json:
        click.echo(json.dumps(story_document(story), indent=2, ensure_ascii=False))
    else:
        show_story(story, clock.now(), full=full)
