"""`healthmon backtest …`: what would other settings have done with what really happened?"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon import config as configuration
from healthmon.answers import backtest
from healthmon.cli.backtest_rules import rules
from healthmon.cli.context import open_database
from healthmon.cli.duration import Duration
from healthmon.cli.terminal import show_table
from healthmon.errors import UsageError

if TYPE_CHECKING:
    from healthmon.answers.backtest import BacktestDocument
    from healthmon.cli.context import Context

COLUMNS = ("service", "outages", "restarts", "needless", "gave up", "left to restart")


@click.group("backtest")
def command() -> None:
    """Try settings on what really happened, before they decide about anything."""


command.add_command(rules)


@command.command("heal")
@click.argument("services", nargs=-1, metavar="[SERVICE…]")
@click.option("--for", "length", type=Duration(), default=timedelta(days=7), show_default="7d", help="How much of the past.")
@click.option("--policy", type=click.Path(path_type=Path), help="A configuration whose healing is tried, instead of the one in use.")
@click.option("--each", is_flag=True, help="Show every restart, too.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def heal(  # noqa: PLR0913  one option each
    context: Context, services: tuple[str, ...], length: timedelta, policy: Path | None, *, each: bool, as_json: bool
) -> None:
    """Replay stored checks through a healing policy: which restarts it would have made, and how many for nothing.

    Nothing is restarted, and nothing is written. Healing counts as switched on.
    """
    config = context.config
    tried = config if policy is None else configuration.load(policy)
    for name in services:
        tried.service(name)
    now = clock.now()
    connection = open_database(config.paths)
    try:
        found = backtest.read(connection, tried, since=now - length, until=now, only=frozenset(services))
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found["checks"]:
        raise UsageError(f"there is no check of these services since {found['since']}: let it watch for a while first")
    _show(found, each=each)


def _show(found: BacktestDocument, *, each: bool) -> None:
    total = found["total"]
    storms = f", {found['storms']} storms" if found["storms"] else ""
    click.echo(f"{found['checks']} checks since {found['since']}: {total['outages']} outages{storms}")
    rows = [
        (one["service"], one["outages"], one["restarts"], one["needless"], one["gave_up"])
        for one in sorted(found["services"], key=lambda one: (-one["restarts"], -one["outages"], one["service"]))
    ]
    show_table(COLUMNS[:-1], [tuple(map(str, row)) for row in rows], right=COLUMNS[1:-1])
    click.echo(f"{total['restarts']} restarts, {total['needless']} of them needless: the service was healthy again within 60 s by itself")
    for restart in found["restarts"] if each else ():
        after = "still ill" if restart["recovered_after_s"] is None else f"healthy {restart['recovered_after_s']:.0f} s later"
        by = ", after a restart in earnest" if restart["was_restarted"] else ""
        click.echo(f"{restart['at']}  {restart['service']}  {after}{by}  {restart['failure']}")
