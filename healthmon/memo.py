"""What did a pure function return for what it was given last?

Asked with the same, it is not called again: so what comes out is always what the function would return, whatever was changed,
reloaded, renamed, deleted or set back meanwhile. Nothing has to be invalidated, and nothing can be out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

R = TypeVar("R")
Ts = TypeVarTuple("Ts")
LIMIT = 20_000  # keys; a hundred bytes to two thousand each


class Memo(Generic[R]):
    """The last answer for each key. Threads may share it: an answer and what it was made of are put in as one."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._made: dict[Hashable, tuple[tuple[object, ...], R]] = {}

    def of(self, key: Hashable, make: Callable[[Unpack[Ts]], R], *given: *Ts) -> R:
        """Return `make(*given)`. It has to be pure, always the same for a key, and what it returns is shared: nobody changes it."""
        known = self._made.get(key)
        if known is not None and known[0] == given:
            return known[1]
        made = make(*given)
        if len(self._made) >= self._limit and key not in self._made:
            self._made.clear()
        self._made[key] = given, made
        return made
