"""`healthmon web …`: about the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from healthmon.errors import UsageError
from healthmon.person import person
from healthmon.processes.roles import is_held
from healthmon.web import secret
from healthmon.web.access import login_key
from healthmon.web.settings import url

if TYPE_CHECKING:
    from healthmon.cli.context import Context


@click.group("web")
def command() -> None:
    """About the page."""


@command.command("login")
@click.option("--by", "author", default=None, help="Who; without it you, as the system knows you.")
@click.pass_obj
def login(context: Context, author: str | None) -> None:
    """Print a link with which a browser may acknowledge, silence, hold and restart for twelve hours.

    It is good once, and for five minutes. Through a tunnel (ssh -L 8080:127.0.0.1:8080 HOST) it works as it stands.
    """
    config = context.config
    if not config.web.enabled:
        raise UsageError("web.enabled is false: there is no page to log in to")
    if not is_held(config.paths.lock("web")):
        raise UsageError(f"no page is served (no agent runs on {config.paths.data_dir}): start it first, `healthmon run`")
    click.echo(f"{url(config.web)}login#{login_key(secret.load(config), author or person())}")
