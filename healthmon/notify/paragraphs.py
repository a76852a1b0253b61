"""What is said of one service in a message?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.alerts.ourselves import OURSELVES
from healthmon.notify import wording
from healthmon.notify.cause import HEALING_OFF

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.model.notification import Affected

NAME_CHARS = 60
LINE_CHARS = 300
BRIEF_CHARS = 110
MAX_FACTS = 10
IN_FULL_ONLY = frozenset({"asked", "last healthy"})
SAID_BY_DOWN = frozenset({"status", "critical", "service", "group"})


def trouble(one: Affected) -> str:
    """Say in a word or two what is wrong: `down`, or what the first rule is called."""
    if one.is_outage:
        return "down"
    kind = one.alert_types[0].replace("_", " ") if one.alert_types else "in trouble"
    return wording.one_line(kind, NAME_CHARS)


def paragraph(one: Affected, *, now: datetime) -> str:
    """Write what failed, since when, why, what is done about it, and where to read on: for a message about one service."""
    over = one.is_resolved
    said = [
        ("New", one.news),
        ("Why you hear no more" if one.removed else "", one.removed),
        ("It was" if over else "What", one.message),
        ("Down" if over and not one.removed and trouble(one) == "down" else "When", _when(one, now)),
        *((_label(name), value) for name, value in one.facts[:MAX_FACTS]),
        ("" if over else "Values", _pairs(_telling(one))),
        ("Healing", one.healing),
        ("Back with it" if over else "Also ill" if one.because_of else "Also ill because of it", wording.listed(one.dependents, limit=LINE_CHARS - 30)),
        *((_label(name), value) for name, value in one.links[:MAX_FACTS]),
        ("Alert", _alert(one)),
    ]
    return "\n".join([_head(one), *(f"{label}: {wording.one_line(value, LINE_CHARS)}" for label, value in said if label and value)])


def brief(one: Affected, *, now: datetime) -> str:
    """Write the same in a few lines, for a message about several services; of what is over, one line."""
    head = f"* {wording.one_line(one.service, NAME_CHARS)}: {trouble(one)} {_when(one, now)}"
    if one.removed:
        return f"{head}, {wording.one_line(one.removed, LINE_CHARS)}"
    if one.is_resolved:
        return head + (f", {wording.one_line(one.healing, NAME_CHARS)}" if one.healing else "")
    healing = "" if one.healing == HEALING_OFF else one.healing
    causes = [f"{name} {value}" for name, value in one.facts if name not in IN_FULL_ONLY and value not in healing]
    cause = causes[0] if causes else ""
    said = [one.news, one.message, cause, healing, one.dependents and "also ill: " + wording.listed(one.dependents, limit=NAME_CHARS)]
    return "\n".join([head, *(f"  {wording.one_line(text, BRIEF_CHARS)}" for text in said if text)])


def _head(one: Affected) -> str:
    name, group = wording.one_line(one.service, NAME_CHARS), wording.one_line(one.group, NAME_CHARS)
    weight = "critical service" if one.critical else "service"
    what = trouble(one)
    if one.service == one.group == OURSELVES:
        return f"{OURSELVES} itself: {what}{' is over' if one.is_resolved else ''}."
    if one.removed:
        return f"{name} ({weight}, group {group}): {what} when last seen, and not seen to end."
    state = "is back" if one.is_resolved else f"is {what}"
    return f"{name} ({weight}, group {group})" + (f" {state}." if what == "down" else f": {what}{' is over' if one.is_resolved else ''}.")


def _when(one: Affected, now: datetime) -> str:
    if one.removed and one.resolved_at is not None:
        return f"since {wording.at(one.started_at)}, and taken out {wording.length(one.resolved_at - one.started_at)} later"
    if one.resolved_at is not None:
        return f"{wording.span(one.started_at, one.resolved_at)} ({wording.length(one.resolved_at - one.started_at)})"
    return f"since {wording.at(one.started_at)} ({wording.length(now - one.started_at)})"


def _label(name: str) -> str:
    return wording.one_line(name, NAME_CHARS).capitalize()


def _telling(one: Affected) -> list[tuple[str, str]]:
    """Return the values that say more than that a service is down."""
    return [(name, value) for name, value in one.values if not one.is_outage or name not in SAID_BY_DOWN]


def _pairs(values: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values)


def _alert(one: Affected) -> str:
    return f"#{one.alert_id} {', '.join(one.alert_types)}" if one.alert_id else ""
