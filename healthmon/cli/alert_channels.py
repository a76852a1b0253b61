"""`healthmon alerts channels` and `healthmon alerts test`: does each channel work?"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from healthmon import clock, redaction
from healthmon.cli.alert_tables import show_channels
from healthmon.cli.context import open_database
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError, UsageError
from healthmon.model.alert import AlertSeverity
from healthmon.model.delivery import SendStatus
from healthmon.model.notification import Notification, NotificationKind
from healthmon.notify import channels as configured
from healthmon.notify.envelope import enclose
from healthmon.processes import child
from healthmon.processes.notifier import sending
from healthmon.processes.notifier.attempt import DEADLINE_S
from healthmon.spelling import nearest
from healthmon.store import channel_states, deliveries
from healthmon.store.opening import open_for_writing

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.notify.channels import Channel
    from healthmon.paths import Paths

LOOK_EVERY_S = 0.02
NONE = "no channel is switched on: see alerting in the configuration"


@click.command("channels")
@click.pass_obj
def channels(context: Context) -> None:
    """Show every channel, when it last took a message, and what waits for it."""
    found = configured.enabled(context.config.alerting)
    if not found:
        click.echo(NONE)
        return
    connection = open_database(context.config.paths)
    try:
        states = channel_states.load(connection)
        waiting = {one.name: len(deliveries.queued(connection, one.name)) for one in found}
    finally:
        connection.close()
    show_channels(found, states, waiting, clock.now())


@click.command("test")
@click.argument("channel")
@click.pass_obj
def test(context: Context, channel: str) -> int:
    """Send a test message to CHANNEL now, from here, and show what came back. Exit code 3 when it was not taken."""
    chosen = _chosen(context, channel)
    for secret in configured.secrets(context.complete.alerting):
        redaction.hide(secret)
    message = Notification(
        kind=NotificationKind.TEST,
        severity=AlertSeverity.INFO,
        created_at=clock.now(),
        host=socket.gethostname(),
        affected=(),
    )
    envelope = enclose(message, at=clock.now(), possible_repeat=False)
    attempt = child.begin(partial(sending.send, chosen, envelope), title=f"healthmon: test of {channel}")
    while not attempt.is_over() and attempt.elapsed_s() < DEADLINE_S:
        time.sleep(LOOK_EVERY_S)
    took_s = attempt.elapsed_s()
    result = attempt.end()
    if result.status is SendStatus.SENT:
        click.echo(f"{channel} took it in {took_s:.1f} s: {result.detail}")
        _note_that_it_works(context.config.paths, channel)
        return EXIT_FINE
    click.echo(f"healthmon: {channel} did not take it ({result.status.value}, {took_s:.1f} s): {result.detail}", err=True)
    return EXIT_FAILED


def _note_that_it_works(paths: Paths, channel: str) -> None:
    """Write down, where there is an agent's database, that something got through: it may have been given up."""
    with suppress(HealthmonError):
        connection = open_for_writing(paths.database)
        try:
            with connection.transaction(durable=True):
                channel_states.works(connection, channel, now=clock.now())
        finally:
            connection.close()


def _chosen(context: Context, name: str) -> Channel:
    found = {one.name: one for one in configured.enabled(context.complete.alerting)}
    if name in found:
        return found[name]
    there = f"there are {', '.join(found)}" if found else NONE
    raise UsageError(f"there is no channel {name[:40]!r}{nearest(name, found)}: {there}")
