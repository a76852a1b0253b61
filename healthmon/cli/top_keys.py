"""What does a key do to the live view? Pure: from what somebody chose to what they choose now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from healthmon.model.status import ServiceStatus

MAX_TEXT = 100
A_PAGE = 10  # lines that Page Up and Page Down move


class Sort(StrEnum):
    WORST = "worst"
    SLOWEST = "slowest"
    UPTIME = "uptime"
    NAME = "name"


SORTS = tuple(Sort)
STATUSES: tuple[ServiceStatus | None, ...] = (None, ServiceStatus.UNHEALTHY, ServiceStatus.UNKNOWN, ServiceStatus.HEALTHY)
STEPS = {"up": -1, "down": 1, "page up": -A_PAGE, "page down": A_PAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is looked at. `text` filters by name or group; while it is being typed, keys are letters of it."""

    sort: Sort = Sort.WORST
    status: ServiceStatus | None = None
    text: str = ""
    first: int = 0  # line of the table
    is_typing: bool = False
    is_paused: bool = False
    has_ended: bool = False


def pressed(choice: Choice, key: str) -> Choice:
    """Return the choice after a key: a character, or the name of a key that writes none, as in STEPS."""
    return _typed(choice, key) if choice.is_typing else _ordered(choice, key)


def _typed(choice: Choice, key: str) -> Choice:
    if key == "enter":
        return replace(choice, is_typing=False)
    if key == "escape":
        return replace(choice, is_typing=False, text="")
    if key == "backspace":
        return replace(choice, text=choice.text[:-1])
    if len(key) == 1 and key.isprintable() and len(choice.text) < MAX_TEXT:
        return replace(choice, text=choice.text + key, first=0)
    return choice


def _ordered(choice: Choice, key: str) -> Choice:
    if key in STEPS:
        return replace(choice, first=max(0, choice.first + STEPS[key]))
    match key:
        case "q" | "Q":
            return replace(choice, has_ended=True)
        case "s":
            return replace(choice, sort=SORTS[(SORTS.index(choice.sort) + 1) % len(SORTS)], first=0)
        case "f":
            return replace(choice, status=STATUSES[(STATUSES.index(choice.status) + 1) % len(STATUSES)], first=0)
        case "/":
            return replace(choice, is_typing=True)
        case "p" | " ":
            return replace(choice, is_paused=not choice.is_paused)
        case "home":
            return replace(choice, first=0)
        case "escape":
            return replace(choice, text="", status=None, first=0)
    return choice
