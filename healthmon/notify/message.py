"""What does a person read? A title that is enough to decide whether to get up, and a text that is enough to begin.

No template engine: what services, containers and rules say comes from anywhere and is only ever put between our words,
clean, on one line and cut. Each sender escapes it for its medium.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.notification import NotificationKind
from healthmon.notify import wording
from healthmon.notify.paragraphs import NAME_CHARS, brief, paragraph
from healthmon.notify.titles import in_order, names, title

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.notification import Affected, Notification

MAX_BODY_CHARS = 3_500
MAX_IN_FULL = 10
FULL_CHARS = 2_600  # for those in full
NAMES_CHARS = 600  # for the names of the rest
TO_ACKNOWLEDGE = (NotificationKind.FIRING, NotificationKind.WORSENED, NotificationKind.FLAPPING, NotificationKind.ESCALATED, NotificationKind.REMINDER)
LATE = timedelta(seconds=90)  # older than that, a message says so


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
    footer = _footer(notification, affected, host, now, possible_repeat=possible_repeat)
    text = "\n\n".join([*_opening(notification), *_paragraphs(affected, now)])[: MAX_BODY_CHARS - len(footer) - 2]
    return Rendered(title=title(notification, affected, host=host, now=now), body=f"{text}\n\n{footer}" if text else footer)


def _opening(notification: Notification) -> list[str]:
    if notification.kind is NotificationKind.TEST:
        return ["This is a test that somebody asked for. Nothing is wrong."]
    if notification.kind is NotificationKind.ESCALATED:
        return ["Nobody has acknowledged this since it was told first, so you are told now, too."]
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


def _footer(notification: Notification, affected: list[Affected], host: str, now: datetime, *, possible_repeat: bool) -> str:
    said = []
    shown = names([one for one in affected if one.conversation_id])
    if notification.kind in TO_ACKNOWLEDGE and shown:
        said.append(f"Seen it? `healthmon alerts ack {shlex.quote(shown[0]) if len(shown) == 1 else 'SERVICE'}` on {host} stops reminders.")
    if is_late(notification, now):
        said.append(f"Delivered late: this is of {wording.at(notification.created_at)}, sent {wording.length(now - notification.created_at)} later.")
    if possible_repeat:
        said.append("Possible repeat: an earlier attempt may have reached you already.")
    number = f", message {notification.notification_id}" if notification.notification_id else ""
    return "\n".join([*said, f"-- healthmon on {host}{number}"])
