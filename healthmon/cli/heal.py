"""`healthmon heal …`: why healing does what it does about a service, what it did, and what a person wants of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.answers.gates import explanation_document
from healthmon.answers.heals import document
from healthmon.cli.acting import act, one_line
from healthmon.cli.context import open_database
from healthmon.cli.duration import Duration
from healthmon.cli.heal_tables import show_explanation, show_history, show_host_budget, show_review
from healthmon.errors import EXIT_FINE, StoreError
from healthmon.heal import budget
from healthmon.heal.situation import issued, spends
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.person import person
from healthmon.processes.evaluator.explaining import read_explanation
from healthmon.processes.roles import is_held
from healthmon.store import heal_evidence, heal_review, heals, hook_runs, services

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from healthmon.cli.context import Context

LINES = 20


@click.group("heal")
def command() -> None:
    """Why healing does what it does about a service, what it did, and what you want of it."""


def _told(with_why: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options that every act has: why, and who."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        by = click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
        why = click.option("--why", "--reason", "-m", "why", required=True, help=with_why)
        return why(by(function))

    return add


@command.command("explain", short_help="each gate in the way of a restart, and the earliest one")
@click.argument("service")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def explain(context: Context, service: str, *, as_json: bool) -> None:
    """Show what healing does about SERVICE now: every gate, passed or not, and when there can be a restart at the earliest."""
    context.config.service(service)
    paths, now = context.config.paths, clock.now()
    connection = open_database(paths)
    try:
        found = read_explanation(connection, context.config, service, now)
    finally:
        connection.close()
    if found is None:
        raise StoreError(f"nobody has watched {service} yet: start an agent with this configuration")
    is_watched = is_held(paths.lock("evaluator"))
    if as_json:
        click.echo(json.dumps(explanation_document(service, found, is_watched=is_watched), indent=2, ensure_ascii=False))
        return
    show_explanation(service, found)
    if not is_watched:
        click.echo(f"healthmon: no agent runs on {paths.data_dir}: this is what it would do by what was seen last", err=True)


@command.command("history", short_help="what was restarted, on which evidence, did it help")
@click.argument("service", required=False)
@click.option("--limit", type=click.IntRange(1, 1_000), default=LINES, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def history(context: Context, service: str | None, limit: int, *, as_json: bool) -> None:
    """Show what was restarted, of SERVICE or of all, newest first: on which evidence, and whether it helped."""
    if service is not None:
        context.config.service(service)
    connection = open_database(context.config.paths)
    try:
        known = services.all_by_id(connection)
        sid = None if service is None else next((one.service_id for one in known.values() if one.name == service), 0)
        made = heals.page(connection, before=None, limit=limit, service_id=sid, incident_id=None)
        found = [(heal, heal_evidence.of_heal(connection, heal), hook_runs.of_heal(connection, heal.heal_id)) for heal in made]
        told = [document(connection, heal, known) for heal in made] if as_json else []
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        show_history(found, {sid: one.name for sid, one in known.items()}, clock.now())


@command.command("review", short_help="how often restarts helped, per service and failure")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def review(context: Context, days: int, *, as_json: bool) -> None:
    """Show whether restarts helped, per service and failure, and how many were needless."""
    connection, now, settings = open_database(context.config.paths), clock.now(), context.config.self_healing
    try:
        found = heal_review.per_failure(connection, since=now - timedelta(days=days))
        spent = [issued(heal) for heal in heals.since(connection, now - budget.HOUR) if spends(heal, settings)]
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps([line.document() for line in found], indent=2, ensure_ascii=False))
    else:
        show_review(found, days)
        if settings.switched_on:
            show_host_budget(settings, sorted(spent), now)


@command.command("hold", short_help="restart it by no means for a time")
@click.argument("service")
@click.option("--for", "length", type=Duration(), required=True, help="How long, as in 2h.")
@_told("Why, for those who wonder.")
@click.pass_obj
def hold(context: Context, service: str, length: timedelta, why: str, author: str | None) -> int:
    """Restart SERVICE by no means for a time; what is planned is not made. It is looked at, and told of, as before."""
    return _act(context, OperatorActionKind.HOLD, service, why, author, length=length)


@command.command("release", short_help="end a hold, or let healing try again")
@click.argument("service")
@click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
@click.pass_obj
def release(context: Context, service: str, author: str | None) -> int:
    """End the hold on SERVICE before its time, and let healing try again what it has given up on."""
    return _act(context, OperatorActionKind.RELEASE, service, "", author)


@command.command("now", short_help="restart it now, as yours")
@click.argument("service")
@click.option("--force", is_flag=True, help="Also in quarantine, while it is held or worked on, in a storm, or with an ill dependency.")
@_told("Why, for the ledger.")
@click.pass_obj
def now(context: Context, service: str, why: str, author: str | None, *, force: bool) -> int:
    """Restart SERVICE now, recorded as yours: it waits for nothing, costs no attempt and no budget, and is verified as ever."""
    code = _act(context, OperatorActionKind.HEAL_NOW, service, why, author, force=force)
    paths = context.config.paths
    if code == EXIT_FINE and is_held(paths.lock("evaluator")) and not is_held(paths.lock("healer")):
        click.echo("healthmon: the healer does not run: the restart is made only if it is started within a minute", err=True)
    return code


def _act(  # noqa: PLR0913  one act
    context: Context,
    kind: OperatorActionKind,
    service: str,
    why: str,
    author: str | None,
    *,
    length: timedelta | None = None,
    force: bool = False,
) -> int:
    context.config.service(service)
    now = clock.now()
    action = OperatorAction(
        kind=kind,
        made_at=now,
        author=one_line(author or person(), "--by"),
        reason=one_line(why, "--why"),
        service=service,
        until=None if length is None else now + length,
        force=force,
    )
    return act(context.config.paths, action)
