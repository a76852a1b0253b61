"""`healthmon validate`: is a configuration right, and what does it mean on this host?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from healthmon import config as configuration
from healthmon.cli import agents
from healthmon.cli.containers import matches
from healthmon.heal.labels import asking
from healthmon.heal.matching import MatchProblem
from healthmon.notify import routes
from healthmon.notify.channels import enabled

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.config import Config
    from healthmon.heal.matching import Match


@click.command("validate")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema for editors and end.")
@click.pass_obj
def command(context: Context, file: Path | None, *, schema: bool) -> None:
    """Check FILE, or the configuration in use, and show what it means. Exit code 2 when it cannot be used."""
    if schema:
        click.echo(json.dumps(configuration.json_schema(), indent=2))
        return
    loaded = context.file if file is None else configuration.load(file)
    source = context.source if file is None else file
    click.echo(f"{source} is valid: {len(loaded.enabled_services())} services in {len(loaded.groups())} groups")
    if not loaded.services:
        click.echo(f"watches {asking(loaded.discovery)}")
    for note in agents.standing(source):
        click.echo(note)
    click.echo(f"everything is written to {loaded.paths.data_dir}, the database is {loaded.paths.database}")
    click.echo(_healing(loaded))
    click.echo(_telling(loaded))
    _show_services(loaded)
    for warning in _warnings(loaded):
        click.echo(f"warning: {warning}")
    known = routes.routes(loaded.alerting.routes)
    if known and not any(route.takes_everything for route in known):
        click.echo("note: alerting.routes: what none of them takes goes to all channels; end with one that takes everything")


def _healing(loaded: Config) -> str:
    settings = loaded.self_healing
    if not settings.switched_on:
        missing = [key for key in ("enabled", "restart_unhealthy_services") if not getattr(settings, key)]
        return f"healing is off: self_healing.{' and self_healing.'.join(missing)} would have to be true"
    how = "would restart (dry run)" if settings.dry_run else "restarts"
    return (
        f"healing is on: {how} an unhealthy service at most {settings.max_restart_attempts} times,"
        f" {settings.restart_cooldown_minutes:g} minutes apart"
    )


def _telling(loaded: Config) -> str:
    rules = sum(rule.enabled for rule in loaded.alert_rules)
    channels = [channel.name for channel in enabled(loaded.alerting)]
    where = f"told to {', '.join(channels)}" if channels else "told to nobody, for no channel is switched on"
    return f"{rules} alert rules; what they find is {where}"


def _warnings(loaded: Config) -> list[str]:
    """Return what works, and should not stay so."""
    email, slack, webhook = (
        loaded.alerting.email_notifications,
        loaded.alerting.slack_notifications,
        loaded.alerting.webhook_notifications,
    )
    found = []
    if email.enabled and email.username is not None and email.encryption == "none":
        found.append("email_notifications: the password goes over the network in plain text: set encryption to starttls or tls")
    for key, settings, url in (("slack_notifications", slack, slack.webhook_url), ("webhook_notifications", webhook, webhook.url)):
        if settings.enabled and url is not None and _goes_out_in_plain_text(url.get_secret_value()):
            found.append(f"{key}: what it sends, credentials too, goes over the network in plain text: use an https:// URL")
    missing = [program for program in loaded.hook_programs() if not os.access(program, os.X_OK)]
    return [*found, *(f"hooks: {program} is not there, or not executable: restarts are made without it" for program in missing)]


def _goes_out_in_plain_text(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and (parts.hostname or "") not in {"localhost", "127.0.0.1", "::1"}


def _show_services(loaded: Config) -> None:
    found = matches(loaded.enabled_services())
    for group, members in loaded.groups().items():
        click.echo(f"\n{group} (program {' and '.join(sorted({service.program for service in members}, reverse=True))})")
        for service in members:
            critical = "critical" if service.critical else ""
            asked = f"{service.shown_url or service.shown_command or 'its container'} every {service.interval_seconds:g} s"
            click.echo(f"  {service.name:<24}{critical:<10}{asked:<52}  {_target(found.get(service.name))}")
    click.echo("")


def _target(found: Match | None) -> str:
    if found is None:
        return ""
    if found.problem is MatchProblem.ENGINE_UNREACHABLE:
        return f"container unknown: {found.text}"
    if found.target is None:
        return f"no container: {found.text}"
    return f"container {found.target.name} (by {found.matched_by})"
