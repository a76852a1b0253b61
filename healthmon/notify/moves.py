"""Whose queue is whose after the list of addresses was edited? A name such as `email-2` is a place in a list, and not who gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def moves(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str | None]:
    """Return, of names whose target is another by now, under which name what was theirs goes on; None: under none.

    Both are from name to target. A target that is still there takes all that is its own along. Of one that is gone,
    nothing goes to one that was there beside it; but one that is new in its place is its correction, and inherits.
    """
    known = set(before.values())
    names = {target: name for name, target in reversed(list(now.items()))}
    found: dict[str, str | None] = {}
    for name, target in before.items():
        if now.get(name) == target:
            continue
        if target in names:
            found[name] = names[target]
        elif name in now and now[name] in known:
            found[name] = None
    return found


def corrected(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Return the names under which there is a target that was not known before, in the place of one that is gone."""
    known = set(before.values())
    return {name for name, target in now.items() if name in before and target not in known}
