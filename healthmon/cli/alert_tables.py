"""How do alerts look on a terminal, and as JSON?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.answers.wording import OURSELVES
from healthmon.cli.table import age
from healthmon.cli.terminal import a_console, a_table, plain, styled
from healthmon.model.alert import AlertSeverity, rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.delivery import ChannelState, Queued
    from healthmon.model.silence import Silence
    from healthmon.notify.channels import Channel
    from healthmon.store.alert_review import RuleReview

STYLES = {AlertSeverity.CRITICAL: "bold red", AlertSeverity.WARNING: "yellow", AlertSeverity.INFO: "cyan"}
NUMBERS = frozenset({"for", "fired", "firing", "acknowledged", "false", "short", "ignored", "median"})


def show_alerts(
    firing: Iterable[Alert],
    spoken: Mapping[int, Conversation],
    names: Mapping[int, str],
    now: datetime,
) -> None:
    """Print the alerts that fire, worst first, and what was said about each."""
    found = sorted(firing, key=lambda alert: (-rank(alert.severity), alert.triggered_at))
    console = a_console()
    if not found:
        console.print("no alert is firing")
        return
    table = a_table("severity", "service", "alert", "for", "told", "what", numbers=NUMBERS)
    for alert in found:
        sid = alert.service_id or 0
        table.add_row(
            styled(alert.severity.value, STYLES[alert.severity]),
            *plain(names.get(sid, OURSELVES), alert.alert_type, age(alert.triggered_at, now)),
            *plain(_told(spoken.get(sid), now, names), alert.why),
        )
    console.print(table)


def show_silences(quiet: Iterable[Silence]) -> None:
    """Print the silences that hold."""
    for silence in quiet:
        until = clock.to_people(silence.ends_at)
        reason = f": {silence.reason}" if silence.reason else ""
        text = f"silence {silence.silence_id} until {until} by {silence.author} for {' and '.join(silence.matchers)}{reason}"
        a_console().print(styled(text, "dim"))


def show_review(found: Iterable[RuleReview], days: int) -> None:
    """Print how each rule did."""
    lines = list(found)
    console = a_console()
    if not lines:
        console.print(f"no alert fired in the last {days} days")
        return
    table = a_table("alert", "severity", "fired", "firing", "acknowledged", "false", "short", "ignored", "median", numbers=NUMBERS)
    for line in lines:
        lasted = "" if line.median_minutes is None else f"{line.median_minutes:g} min"
        counts = (line.fired, line.firing, line.acknowledged, line.false, line.short, line.ignored)
        table.add_row(*plain(line.alert_type, line.severity, *map(str, counts), lasted))
    console.print(table)
    console.print(styled("false: somebody said so, with `healthmon alerts false`. Of the others that nobody acknowledged, short were over", "dim"))
    console.print(styled("within 5 minutes, the next to suspect; ignored lasted longer.", "dim"))


def show_channels(found: Iterable[Channel], states: Mapping[str, ChannelState], waiting: Mapping[str, int], now: datetime) -> None:
    """Print how each channel fares."""
    table = a_table("channel", "state", "last taken", "waiting", "what", numbers=NUMBERS)
    for channel in found:
        state = states.get(channel.name)
        failing = state is not None and state.failing_since is not None
        last = "" if state is None or state.last_sent_at is None else f"{age(state.last_sent_at, now)} ago"
        word, style = ("fails", "bold red") if failing else ("works", "green") if last else ("unknown", "yellow")
        error = state.last_error or "" if state is not None and failing else ""
        table.add_row(styled(channel.name), styled(word, style), *plain(last, str(waiting[channel.name] or ""), error))
    a_console().print(table)


def show_story(service: str, firing: Iterable[Alert], told: Iterable[Queued], now: datetime) -> None:
    """Print what fires of one service, and what was said about it to whom."""
    console = a_console()
    lines = list(firing)
    for alert in lines:
        console.print(styled(f"{alert.severity.value} for {age(alert.triggered_at, now)}: {alert.message}", STYLES[alert.severity]))
    if not lines:
        console.print(styled(f"no alert of {service} is firing"))
    table = a_table("told", "kind", "channel", "state", "attempts", "answer", numbers=NUMBERS)
    for one in told:
        delivery, message = one.delivery, one.notification
        answer = delivery.proof or delivery.last_error or ""
        when = f"{age(message.created_at, now)} ago"
        table.add_row(*plain(when, message.kind.value, delivery.channel, delivery.state.value, str(delivery.attempts), answer))
    console.print(table if table.row_count else styled("nobody was told of it yet", "dim"))


def _told(conversation: Conversation | None, now: datetime, names: Mapping[int, str]) -> str:
    if conversation is None:
        return ""
    if conversation.is_acknowledged(now):
        return f"acknowledged by {conversation.acknowledged_by}"
    if conversation.root_service_id is not None:
        return f"under {names.get(conversation.root_service_id, '?')}"
    return "not yet" if conversation.notified_at is None else f"{age(conversation.notified_at, now)} ago"
