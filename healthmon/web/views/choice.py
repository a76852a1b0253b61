"""Which services does a page show, as its address asks?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from healthmon.history.report import worst_first
from healthmon.web.views.period import Period, Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.history.report import ServiceLine
    from healthmon.model.status import ServiceStatus

ON_A_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What an address asks for; empty and None ask for all. `page` counts from 1."""

    text: str = ""
    group: str = ""
    status: ServiceStatus | None = None
    kiosk: bool = False
    compact: bool = False
    page: int = 1
    period: Period = field(default_factory=Period)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The lines of one page, worst first, and how many match in all. The addresses are empty where there is no such page."""

    lines: tuple[ServiceLine, ...]
    matching: int
    before: str
    after: str


def choose(lines: Sequence[ServiceLine], choice: Choice) -> Chosen:
    found = [line for line in worst_first(lines) if _matches(line, choice)]
    last = max(1, -(-len(found) // ON_A_PAGE))
    page = min(choice.page, last)
    begin = (page - 1) * ON_A_PAGE
    return Chosen(
        lines=tuple(found[begin : begin + ON_A_PAGE]),
        matching=len(found),
        before=address(choice, page=page - 1) if page > 1 else "",
        after=address(choice, page=page + 1) if page < last else "",
    )


def address(choice: Choice, *, page: int = 1) -> str:
    """Return the address of a choice: what it leaves open is not in it."""
    asked = {
        "q": choice.text,
        "group": choice.group,
        "status": choice.status or "",
        "kiosk": "1" if choice.kiosk else "",
        "compact": "1" if choice.compact else "",
        "page": str(page) if page > 1 else "",
        **choice.period.parameters,
    }
    found = {name: value for name, value in asked.items() if value}
    return f"/?{urlencode(found)}" if found else "/"


def of_ranges(choice: Choice) -> dict[Range, str]:
    """Return the addresses of the same choice over each range."""
    return {one: address(replace(choice, period=Period(range=one))) for one in Range}


def _matches(line: ServiceLine, choice: Choice) -> bool:
    if choice.status is not None and line.status is not choice.status:
        return False
    if choice.group and line.service.group != choice.group:
        return False
    return choice.text.casefold() in f"{line.service.name}\n{line.service.group}".casefold()
