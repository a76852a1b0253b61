"""Where does a row say more than its seconds? The figures that are read together with it, kept with its result."""

from __future__ import annotations

_said: dict[str, float] = {}


def figures(**found: float) -> None:
    """Say what was counted in this round: what is kept is that of the last one."""
    _said.update(found)


def take() -> dict[str, float]:
    """Return what was said since the last time, and forget it."""
    taken = dict(_said)
    _said.clear()
    return taken
