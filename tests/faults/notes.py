"""Where does a row say more than its seconds? The figures that are read together with it, kept with its result."""

from __future__ import annotations

from collections import Counter

_said: dict[str, float] = {}
_counted: Counter[str] = Counter()


def figures(**found: float) -> None:
    """Say what was counted in this round: what is kept is that of the last one."""
    _said.update(found)


def count(**found: int) -> None:
    """Say what of everything there was, and what of it was lost or too much: summed up over all rounds, and all rows."""
    _counted.update(found)


def take() -> dict[str, float]:
    """Return what was said since the last time, and forget it."""
    taken = dict(_said)
    _said.clear()
    return taken


def take_counts() -> dict[str, int]:
    """Return what was counted since the last time, and forget it."""
    taken = dict(_counted)
    _counted.clear()
    return taken
