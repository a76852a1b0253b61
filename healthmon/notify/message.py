"""What does a person read? A title that is enough to decide whether to get up, and a text that is enough to begin.

No template engine: what services, containers and rules say comes from anywhere and is only ever put between our words,
clean, on one line and cut. Each sender escapes it for its medium.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.alert import HEALING_QUARANTINED, AlertSeverity
from healthmon.model.notification import NotificationKind
from healthmon.notify import wording
from healthmon.notify.paragraphs import NAME_CHARS, brief, paragraph, trouble

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthmon.model.notification import Affected, Notification

MAX_TITLE_CHARS = 150
MAX_BODY_CHARS = 3_500
MAX_IN_FULL = 10
FULL_CHARS = 2_600  # for those in full
NAMES_CHARS = 600  # for the names of the rest
TITLE_NAMES_CHARS = 60
BECAUSE_CHARS = 70
LATE = timedelta(seconds=90)  # older than that, a message says so
RANK = {AlertSeverity.CRITICAL: 0, AlertSeverity.WARNING: 1, AlertSeverity.INFO: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message as text. The title is one line; the body has lines, and nothing in it but text."""

    title: str
    body: str


def is_late(notification: Notification, now: datetime) -> bool:
    return now - notification.created_at > LATE


def undelivered(parked: Notification, *, channel: str, why: str, now: datetime) -> Notification:
    """Return the message that another channel gets when `channel` gives up on one: what it said, and why it failed."""
    first, *rest = in_order(parked.affected)
    told = replace(first, facts=(("channel", channel), ("not delivered", why), *first.facts))
    return replace(parked, notification_id=0, kind=NotificationKind.UNDELIVERED, created_at=now, affected=(told, *rest))


def render(notification: Notification, *, now: datetime, possible_repeat: bool = False) -> Rendered:
    """Write a message; `now` is when it is sent, and `possible_repeat` that an earlier attempt may have arrived."""
    host = wording.one_line(notification.host, NAME_CHARS)
    affected = in_order(notification.affected)
    title = wording.one_line(_title(notification, affected, host, now), MAX_TITLE_CHARS)
    footer = _footer(notification, host, now, possible_repeat=possible_repeat)
    text = "\n\n".join([*_opening(notification), *_paragraphs(affected, now)])[: MAX_BODY_CHARS - len(footer) - 2]
    return Rendered(title=title, body=f"{text}\n\n{footer}" if text else footer)


def in_order(affected: Sequence[Affected]) -> list[Affected]:
    """Put first what matters most."""
    return sorted(affected, key=lambda one: (RANK[one.severity], not one.critical, one.started_at))


def names(affected: Sequence[Affected]) -> list[str]:
    """Return the services' names, each once."""
    return list(dict.fromkeys(wording.one_line(one.service, NAME_CHARS) for one in affected))


def _title(notification: Notification, affected: list[Affected], host: str, now: datetime) -> str:
    match notification.kind:
        case NotificationKind.TEST:
            return f"[TEST] healthmon on {host} can reach you here"
        case NotificationKind.UNDELIVERED:
            channel = dict(affected[0].facts).get("channel", "a channel") if affected else "a channel"
            about = wording.listed(names(affected), limit=TITLE_NAMES_CHARS)
            return f"[{notification.severity.upper()}] {channel} did not deliver a message about {about} on {host}"
        case NotificationKind.RESOLVED:
            return "[RESOLVED] " + _resolved(affected, host)
        case NotificationKind.EVENT:
            return f"[{notification.severity.upper()}] " + _event(affected, host)
        case NotificationKind.REMINDER:
            since = min((one.started_at for one in affected), default=now)
            return f"[{notification.severity.upper()}] {_firing(affected, host, still='still ')}, for {wording.length(now - since)}"
        case NotificationKind.FLAPPING:
            return f"[{notification.severity.upper()}] {_flapping(affected, host)}"
        case NotificationKind.WORSENED:
            given_up = any(HEALING_QUARANTINED in one.alert_types for one in affected)
            return f"[{notification.severity.upper()}] {_firing(affected, host)}, {'restarts did not help' if given_up else 'worse than before'}"
        case NotificationKind.FIRING:
            return f"[{notification.severity.upper()}] {_firing(affected, host)}"


def _firing(affected: list[Affected], host: str, *, still: str = "") -> str:
    shown = names(affected)
    if len(affected) == 1 and affected[0].because_of:
        return _because(affected[0], host, still)
    if len(shown) == 1:
        what = trouble(affected[0])
        return f"{shown[0]} is {still}{what} on {host}" if what == "down" else f"{shown[0]} on {host}: {still}{what}"
    all_down = all(trouble(one) == "down" for one in affected)
    what = f"are {still}down" if all_down else f"{still}have problems"
    return f"{len(shown)} services {what} on {host}: {_first_names(shown)}"


def _because(one: Affected, host: str, still: str) -> str:
    """Name first what is to be mended, then who is ill because of it."""
    ill = [one.service, *one.dependents]
    are, what = "are" if len(ill) > 1 else "is", trouble(one)
    cause = wording.one_line(one.because_of, BECAUSE_CHARS)
    return f"{cause} on {host}: {_first_names(ill)} {f'{are} {still}down' if what == 'down' else f'{still}{what}'}"


def _flapping(affected: list[Affected], host: str) -> str:
    shown = names(affected)
    if len(shown) == 1:
        return f"{shown[0]} comes and goes on {host}: flapping"
    return f"{len(shown)} services come and go on {host}: {_first_names(shown)}"


def _event(affected: list[Affected], host: str) -> str:
    shown = names(affected)
    if len(shown) == 1:
        return f"{shown[0]} on {host}: {trouble(affected[0])}"
    return f"{len(shown)} services on {host}: {_first_names(shown)}"


def _resolved(affected: list[Affected], host: str) -> str:
    shown = names(affected)
    if len(affected) > 1:
        return f"{len(shown)} services are back on {host}: {_first_names(shown)}" if len(shown) > 1 else f"{shown[0]} is back on {host}"
    one = affected[0]
    took = "" if one.resolved_at is None else f" after {wording.length(one.resolved_at - one.started_at)}"
    healed = f", {wording.one_line(one.healing, 40)}" if one.healing else ""
    what = trouble(one)
    return f"{shown[0]} is back on {host}{took}{healed}" if what == "down" else f"{shown[0]} on {host}: {what} is over{took}{healed}"


def _first_names(shown: list[str]) -> str:
    listed = wording.listed(shown, limit=TITLE_NAMES_CHARS)
    head, more, _ = listed.partition(" and ")
    return f"{head}, …" if more else listed


def _opening(notification: Notification) -> list[str]:
    if notification.kind is NotificationKind.TEST:
        return ["This is a test that somebody asked for. Nothing is wrong."]
    if notification.kind is NotificationKind.UNDELIVERED:
        return ["A channel did not take this message, so you are told here. Mend the channel: until then its messages do not arrive."]
    return []


def _paragraphs(affected: list[Affected], now: datetime) -> list[str]:
    """Write the first services in full, then names, then a count: fifty must fit on the screen of a telephone."""
    if len(affected) == 1:
        return [paragraph(affected[0], now=now)]
    full: list[str] = []
    for one in affected[:MAX_IN_FULL]:
        text = brief(one, now=now)
        if sum(map(len, full)) + len(text) > FULL_CHARS:
            break
        full.append(text)
    rest = affected[len(full) :]
    return [*full, *([f"And {len(rest)} more: {wording.listed(names(rest), limit=NAMES_CHARS)}."] if rest else [])]


def _footer(notification: Notification, host: str, now: datetime, *, possible_repeat: bool) -> str:
    said = []
    if is_late(notification, now):
        said.append(f"Delivered late: this is of {wording.at(notification.created_at)}, sent {wording.length(now - notification.created_at)} later.")
    if possible_repeat:
        said.append("Possible repeat: an earlier attempt may have reached you already.")
    number = f", message {notification.notification_id}" if notification.notification_id else ""
    return "\n".join([*said, f"-- healthmon on {host}{number}"])
