"""What stands in the title? Enough to decide whether to get up: how bad, what, where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.model.alert import rank
from healthmon.model.notification import NotificationKind
from healthmon.notify import wording
from healthmon.notify.paragraphs import NAME_CHARS, trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from healthmon.model.notification import Affected, Notification

MAX_TITLE_CHARS = 150
TITLE_NAMES_CHARS = 60
BECAUSE_CHARS = 70
NEWS_CHARS = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    host: str
    now: datetime


def title(notification: Notification, affected: list[Affected], *, host: str, now: datetime) -> str:
    """Write the title of a message about these services, which are in order."""
    if notification.kind is NotificationKind.TEST:
        return f"[TEST] healthmon on {host} can reach you here"
    word = CALM_WORDS.get(notification.kind, notification.severity.upper())
    return wording.one_line(f"[{word}] {WRITERS[notification.kind](affected, _Where(host=host, now=now))}", MAX_TITLE_CHARS)


def in_order(affected: Sequence[Affected]) -> list[Affected]:
    """Put first what matters most."""
    return sorted(affected, key=lambda one: (-rank(one.severity), not one.critical, one.started_at))


def names(affected: Sequence[Affected]) -> list[str]:
    """Return the services' names, each once."""
    return list(dict.fromkeys(wording.one_line(one.service, NAME_CHARS) for one in affected))


def _firing(affected: list[Affected], where: _Where) -> str:
    return _ill(affected, where)


def _worsened(affected: list[Affected], where: _Where) -> str:
    news = {one.news for one in affected} - {""}
    what = wording.one_line(news.pop(), NEWS_CHARS) if len(news) == 1 else "worse than before"
    return f"{_ill(affected, where)}: {what}"


def _escalated(affected: list[Affected], where: _Where) -> str:
    return f"nobody has acknowledged: {_lasting(affected, where)}"


def _undelivered(affected: list[Affected], where: _Where) -> str:
    channel = dict(affected[0].facts).get("channel", "a channel") if affected else "a channel"
    return f"{channel} did not deliver a message about {wording.listed(names(affected), limit=TITLE_NAMES_CHARS)} on {where.host}"


def _ill(affected: list[Affected], where: _Where, *, still: str = "") -> str:
    shown = names(affected)
    if len(affected) == 1 and affected[0].because_of:
        return _because(affected[0], where, still)
    if len(shown) == 1:
        what = trouble(affected[0])
        return f"{shown[0]} is {still}{what} on {where.host}" if what == "down" else f"{shown[0]} on {where.host}: {still}{what}"
    all_down = all(trouble(one) == "down" for one in affected)
    what = f"are {still}down" if all_down else f"{still}have problems"
    return f"{len(shown)} services {what} on {where.host}: {_first_names(shown)}"


def _lasting(affected: list[Affected], where: _Where) -> str:
    since = min((one.started_at for one in affected), default=where.now)
    return f"{_ill(affected, where, still='still ')}, for {wording.length(where.now - since)}"


def _because(one: Affected, where: _Where, still: str) -> str:
    """Name first what is to be mended, then who is ill because of it."""
    ill = [one.service, *one.dependents]
    are, what = "are" if len(ill) > 1 else "is", trouble(one)
    cause = wording.one_line(one.because_of, BECAUSE_CHARS)
    return f"{cause} on {where.host}: {_first_names(ill)} {f'{are} {still}down' if what == 'down' else f'{still}{what}'}"


def _flapping(affected: list[Affected], where: _Where) -> str:
    shown = names(affected)
    if len(shown) == 1:
        return f"{shown[0]} comes and goes on {where.host}: flapping"
    return f"{len(shown)} services come and go on {where.host}: {_first_names(shown)}"


def _event(affected: list[Affected], where: _Where) -> str:
    shown = names(affected)
    if len(shown) == 1:
        return f"{shown[0]} on {where.host}: {trouble(affected[0])}"
    return f"{len(shown)} services on {where.host}: {_first_names(shown)}"


def _resolved(affected: list[Affected], where: _Where) -> str:
    shown = names(affected)
    if len(affected) > 1:
        return f"{len(shown)} services are back on {where.host}: {_first_names(shown)}" if len(shown) > 1 else f"{shown[0]} is back on {where.host}"
    one = affected[0]
    took = "" if one.resolved_at is None else f" after {wording.length(one.resolved_at - one.started_at)}"
    healed = f", {wording.one_line(one.healing, 40)}" if one.healing else ""
    what = trouble(one)
    return f"{shown[0]} is back on {where.host}{took}{healed}" if what == "down" else f"{shown[0]} on {where.host}: {what} is over{took}{healed}"


def _removed(affected: list[Affected], where: _Where) -> str:
    shown = names(affected)
    if len(shown) == 1:
        return f"{shown[0]} on {where.host} is not told of any more: {trouble(affected[0])} when last seen"
    return f"{len(shown)} services on {where.host} are not told of any more: {_first_names(shown)}"


def _first_names(shown: list[str]) -> str:
    listed = wording.listed(shown, limit=TITLE_NAMES_CHARS)
    head, more, _ = listed.partition(" and ")
    return f"{head}, …" if more else listed


# How bad it was does not matter any more, or yet.
CALM_WORDS = {NotificationKind.RESOLVED: "RESOLVED", NotificationKind.REMOVED: "REMOVED"}
WRITERS: dict[NotificationKind, Callable[[list[Affected], _Where], str]] = {
    NotificationKind.FIRING: _firing,
    NotificationKind.WORSENED: _worsened,
    NotificationKind.FLAPPING: _flapping,
    NotificationKind.ESCALATED: _escalated,
    NotificationKind.REMINDER: _lasting,
    NotificationKind.RESOLVED: _resolved,
    NotificationKind.REMOVED: _removed,
    NotificationKind.EVENT: _event,
    NotificationKind.UNDELIVERED: _undelivered,
}
