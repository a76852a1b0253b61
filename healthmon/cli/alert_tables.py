"""How do alerts look on a terminal, and as JSON?"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from healthmon import clock, log
from healthmon.answers.wording import OURSELVES
from healthmon.cli.table import PIPE_WIDTH, age
from healthmon.model.alert import AlertSeverity
from healthmon.notify.policy import rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.delivery import ChannelState, Queued
    from healthmon.model.silence import Silence
    from healthmon.notify.channels import Channel
    from healthmon.store.alert_review import RuleReview

STYLES = {AlertSeverity.CRITICAL: "bold red", AlertSeverity.WARNING: "yellow", AlertSeverity.INFO: "cyan"}


def show_alerts(
    firing: Iterable[Alert],
    spoken: Mapping[int, Conversation],
    names: Mapping[int, str],
    now: datetime,
) -> None:
    """Print the alerts that fire, worst first, and what was said about each."""
    found = sorted(firing, key=lambda alert: (-rank(alert.severity), alert.triggered_at))
    console = _console()
    if not found:
        console.print("no alert is firing")
        return
    table = _table("severity", "service", "alert", "for", "told", "what")
    for alert in found:
        sid = alert.service_id or 0
        table.add_row(
            _styled(alert.severity.value, STYLES[alert.severity]),
            *_plain(names.get(sid, OURSELVES), alert.alert_type, age(alert.triggered_at, now)),
            *_plain(_told(spoken.get(sid), now, names), alert.why),
        )
    console.print(table)


def show_silences(quiet: Iterable[Silence]) -> None:
    """Print the silences that hold."""
    for silence in quiet:
        until = clock.to_people(silence.ends_at)
        reason = f": {silence.reason}" if silence.reason else ""
        text = f"silence {silence.silence_id} until {until} by {silence.author} for {' and '.join(silence.matchers)}{reason}"
        _console().print(_styled(text, "dim"))


def show_review(found: Iterable[RuleReview], days: int) -> None:
    """Print how each rule did."""
    lines = list(found)
    console = _console()
    if not lines:
        console.print(f"no alert fired in the last {days} days")
        return
    table = _table("alert", "severity", "fired", "firing", "acknowledged", "short", "ignored", "median")
    for line in lines:
        lasted = "" if line.median_minutes is None else f"{line.median_minutes:g} min"
        counts = (line.fired, line.firing, line.acknowledged, line.short, line.ignored)
        table.add_row(*_plain(line.alert_type, line.severity, *map(str, counts), lasted))
    console.print(table)
    console.print(_styled("acknowledged by nobody: short were over within 5 minutes, the first to suspect of being false; ignored lasted longer", "dim"))


def show_channels(found: Iterable[Channel], states: Mapping[str, ChannelState], waiting: Mapping[str, int], now: datetime) -> None:
    """Print how each channel fares."""
    table = _table("channel", "state", "last taken", "waiting", "what")
    for channel in found:
        state = states.get(channel.name)
        failing = state is not None and state.failing_since is not None
        last = "" if state is None or state.last_sent_at is None else f"{age(state.last_sent_at, now)} ago"
        word, style = ("fails", "bold red") if failing else ("works", "green") if last else ("unknown", "yellow")
        error = state.last_error or "" if state is not None and failing else ""
        table.add_row(_styled(channel.name), _styled(word, style), *_plain(last, str(waiting[channel.name] or ""), error))
    _console().print(table)


def show_story(service: str, firing: Iterable[Alert], told: Iterable[Queued], now: datetime) -> None:
    """Print what fires of one service, and what was said about it to whom."""
    console = _console()
    lines = list(firing)
    for alert in lines:
        console.print(_styled(f"{alert.severity.value} for {age(alert.triggered_at, now)}: {alert.message}", STYLES[alert.severity]))
    if not lines:
        console.print(_styled(f"no alert of {service} is firing"))
    table = _table("told", "kind", "channel", "state", "attempts", "answer")
    for one in told:
        delivery, message = one.delivery, one.notification
        answer = delivery.proof or delivery.last_error or ""
        when = f"{age(message.created_at, now)} ago"
        table.add_row(*_plain(when, message.kind.value, delivery.channel, delivery.state.value, str(delivery.attempts), answer))
    console.print(table if table.row_count else _styled("nobody was told of it yet", "dim"))


def _told(conversation: Conversation | None, now: datetime, names: Mapping[int, str]) -> str:
    if conversation is None:
        return ""
    if conversation.is_acknowledged(now):
        return f"acknowledged by {conversation.acknowledged_by}"
    if conversation.root_service_id is not None:
        return f"under {names.get(conversation.root_service_id, '?')}"
    return "not yet" if conversation.notified_at is None else f"{age(conversation.notified_at, now)} ago"


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415  JSON does without it

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(width=width, highlight=False)


def _table(*columns: str) -> Table:
    from rich.table import Table  # noqa: PLC0415  as above

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in {"for", "fired", "firing", "acknowledged", "short", "ignored", "median"} else "left")
    return table


def _styled(text: str, style: str = "") -> Text:
    from rich.text import Text  # noqa: PLC0415  as above

    return Text(log.clean(text), style)


def _plain(*texts: str) -> list[Text]:
    return [_styled(text) for text in texts]
