"""`healthmon maintenance …`: work on services without a message or a restart, and without harm to their uptime."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from healthmon import clock, log
from healthmon.alerts.maintenance import Window, following, periods, standing, windows
from healthmon.cli.acting import act, one_line
from healthmon.cli.context import open_database
from healthmon.cli.duration import Duration
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.person import person
from healthmon.store import maintenances

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.cli.context import Context
    from healthmon.model.maintenance import Maintenance


@click.group("maintenance", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Work on services without a message or a restart. Without a word more: `list`."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command("start")
@click.argument("services", nargs=-1, required=True, metavar="SERVICE…")
@click.option("--for", "length", type=Duration(), required=True, help="How long, as in 2h.")
@click.option("--reason", "-m", required=True, help="Why, for those who wonder.")
@click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
@click.pass_obj
def start(context: Context, services: tuple[str, ...], length: timedelta, reason: str, author: str | None) -> int:
    """Begin work on each SERVICE. It is looked at as before, but nobody is told, nothing is restarted, and no time counts."""
    for service in services:
        context.config.service(service)
    now = clock.now()
    action = OperatorAction(
        kind=OperatorActionKind.MAINTENANCE,
        made_at=now,
        author=one_line(author or person(), "--by"),
        reason=one_line(reason, "--reason"),
        services=tuple(dict.fromkeys(services)),
        until=now + length,
    )
    return act(context.config.paths, action)


@command.command("end")
@click.argument("maintenance_id", type=click.IntRange(min=1))
@click.pass_obj
def end(context: Context, maintenance_id: int) -> int:
    """End work that was begun by hand, by its number in `healthmon maintenance`."""
    kind = OperatorActionKind.END_MAINTENANCE
    return act(context.config.paths, OperatorAction(kind=kind, made_at=clock.now(), author=person(), maintenance_id=maintenance_id))


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def list_(context: Context, *, as_json: bool = False) -> None:
    """Show what is worked on now, and when the windows of the configuration come next."""
    now = clock.now()
    connection = open_database(context.config.paths)
    try:
        begun = maintenances.not_over(connection, at=now)
    finally:
        connection.close()
    configured = windows(context.config.alerting.maintenance)
    if as_json:
        entries = [*map(_document, begun), *(_window_document(one, now) for one in configured)]
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    for one in begun:
        until = clock.to_people(one.ends_at)
        click.echo(log.clean(f"maintenance {one.maintenance_id} of {', '.join(one.services)} until {until} by {one.author}: {one.reason}"))
    for window in configured:
        click.echo(log.clean(f"{window.name}, for {_whom(window)}: {_when(window, now)}"))
    if not begun and not configured:
        click.echo("no service is in maintenance, and no window is configured")


def _whom(window: Window) -> str:
    groups = [f"group {name}" for name in sorted(window.groups)]
    return ", ".join([*sorted(window.services), *groups]) or "all services"


def _when(window: Window, now: datetime) -> str:
    until, upcoming = _until(window, now), following(window, now)
    if until is not None:
        return f"now, until {clock.to_people(until)}"
    return "over" if upcoming is None else f"next {clock.to_people(upcoming[0])} until {clock.to_people(upcoming[1])}"


def _until(window: Window, now: datetime) -> datetime | None:
    return standing(periods(window, now, now), now).until


def _document(one: Maintenance) -> dict[str, object]:
    return {
        "maintenance_id": one.maintenance_id,
        "name": None,
        "services": list(one.services),
        "groups": [],
        "starts_at": clock.to_iso(one.starts_at),
        "ends_at": clock.to_iso(one.ends_at),
        "is_active": True,
        "author": one.author,
        "reason": one.reason,
    }


def _window_document(window: Window, now: datetime) -> dict[str, object]:
    found = next((period for period in periods(window, now, now) if period[0] <= now < period[1]), following(window, now))
    return {
        "maintenance_id": None,
        "name": window.name,
        "services": sorted(window.services),
        "groups": sorted(window.groups),
        "starts_at": None if found is None else clock.to_iso(found[0]),
        "ends_at": None if found is None else clock.to_iso(found[1]),
        "is_active": _until(window, now) is not None,
        "author": None,
        "reason": None,
    }
