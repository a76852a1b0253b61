"""Which containers must be inspected again, in which order, and what was last read of each?"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnreachableError
from healthmon.heal.docker_health import is_stale
from healthmon.model.target import TargetHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from healthmon.heal.docker_facts import Container
    from healthmon.log import Log

    Rows = Mapping[str, tuple[str, ...]]  # by container id, what changes in the list when an inspect would say something new

INSPECT_AGAIN_S = 1_800.0  # what neither the list nor an event tells, should there be anything
PUT_OFF_S = 60.0  # one that was not answered, or not understood, delays the others rarely
BEGIN_FOR_S = 3.0  # none is begun later in one call: with the 5 s that the last may take, a call is bounded by 8


class UnansweredError(EngineUnreachableError):
    """The engine is there, but not this answer: it was too slow for it, or failed at it."""


class NotUnderstoodError(EngineError):
    """The engine's words about one container are not as we know them. `container` is its name, or what is known of it."""

    def __init__(self, container: str, error: Exception) -> None:
        super().__init__(f"what Docker says of {container} is not understood ({error!r}): see `docker inspect {container}`")
        self.container = container


@contextmanager
def understanding(words: Any) -> Iterator[None]:
    """Turn what goes wrong with one container's JSON into a NotUnderstoodError: it must not be the end of all others."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise NotUnderstoodError(_name(words), error) from error


def _name(words: Any) -> str:
    """Return what an answer, odd as it may be, calls its container."""
    if not isinstance(words, Mapping):
        return "a container"
    called = (_first(words.get(key)) for key in ("Name", "Names", "Id"))
    return next((name for name in called if name), "a container")


def _first(words: Any) -> str:
    first = words[0] if isinstance(words, list) and words else words
    return first.lstrip("/") if isinstance(first, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is known of a container: the list row it was inspected for, and the answer."""

    row: tuple[str, ...]
    container: Container


class Inspections:
    """Remembers the last inspect of each container, for the thread that observes all and those that look at one."""

    def __init__(self, records: Log, now: Callable[[], datetime]) -> None:
        self._records = records
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._tried_at_s: dict[str, float] = {}
        self._put_off: set[str] = set()
        self._changed: set[str] = set()  # an event told of them, and they were not inspected since
        self._odd: set[str] = set()  # names that were told

    def containers(self) -> dict[str, Container]:
        with self._lock:
            return {target_id: seen.container for target_id, seen in self._seen.items()}

    def keep(self, target_id: str, container: Container, row: tuple[str, ...] = ()) -> None:
        """Remember an answer; without the row that it belongs to, the next `refresh` asks again."""
        with self._lock:
            self._seen[target_id] = _Seen(row=row, container=container)
            self._tried_at_s[target_id] = clock.monotonic()
            self._put_off.discard(target_id)
            self._changed.discard(target_id)
            self._odd.discard(container.facts.name)

    def refresh(self, rows: Rows, changed: set[str], inspect: Callable[[str], Container]) -> bool:
        """Inspect what needs it, as long as there is time: news first, what waited longest before others.

        Return whether news are left: of a container that appeared or changed, nothing or something older is known.
        """
        self._forget_all_but(rows)
        self._changed |= changed & rows.keys()
        due = sorted(filter(lambda one: self._is_due(one, rows[one]), rows), key=lambda one: self._urgency(one, rows[one]))
        until_s = clock.monotonic() + BEGIN_FOR_S
        for number, target_id in enumerate(due):
            if clock.monotonic() >= until_s:
                return any(self._is_news(left, rows[left]) for left in due[number:])
            self._refresh(target_id, rows[target_id], inspect)
        return False

    def renew(self, target_id: str, inspect: Callable[[str], Container]) -> Container | None:
        """Inspect one that an event told of; return what is known of it, or None when it is gone or never was seen.

        The next `refresh` still takes it for news until it has the row that belongs to it.
        """
        with self._lock:
            self._changed.add(target_id)
        self._refresh(target_id, (), inspect)
        with self._lock:
            seen = self._seen.get(target_id)
        return None if seen is None else seen.container

    def tell_odd(self, error: NotUnderstoodError) -> None:
        """Say once that an answer about a container is not as we know them."""
        if error.container not in self._odd:
            self._odd.add(error.container)
            self._records.warning("container_not_understood", container=error.container, error=str(error))

    def _is_due(self, target_id: str, row: tuple[str, ...]) -> bool:
        """Say whether a container must be inspected. An unhealthy one always: its streak is not in the list."""
        age_s = clock.monotonic() - self._tried_at_s.get(target_id, 0.0)
        if target_id in self._put_off:
            return age_s >= PUT_OFF_S
        if self._is_news(target_id, row) or age_s >= INSPECT_AGAIN_S:
            return True
        check = self._seen[target_id].container.health_check
        if check is None or check.status is TargetHealth.STARTING:
            return False
        return check.status is TargetHealth.UNHEALTHY or is_stale(check, now=self._now())

    def _is_news(self, target_id: str, row: tuple[str, ...]) -> bool:
        seen = self._seen.get(target_id)
        return seen is None or seen.row != row or target_id in self._changed

    def _urgency(self, target_id: str, row: tuple[str, ...]) -> tuple[bool, float]:
        return not self._is_news(target_id, row), self._tried_at_s.get(target_id, 0.0)

    def _refresh(self, target_id: str, row: tuple[str, ...], inspect: Callable[[str], Container]) -> None:
        """Inspect one of the list. One that the engine cannot tell of keeps its last facts."""
        try:
            container = inspect(target_id)
        except EngineGoneError:
            with self._lock:
                self._seen.pop(target_id, None)
        except UnansweredError as error:
            self._put_it_off(target_id)
            self._records.warning("inspect_unanswered", container=target_id, error=str(error))
        except NotUnderstoodError as error:
            self._put_it_off(target_id)
            self.tell_odd(error)
        else:
            self.keep(target_id, container, row)

    def _put_it_off(self, target_id: str) -> None:
        with self._lock:
            self._put_off.add(target_id)
            self._tried_at_s[target_id] = clock.monotonic()

    def _forget_all_but(self, rows: Rows) -> None:
        with self._lock:
            for known in (self._seen, self._tried_at_s):
                for gone in known.keys() - rows.keys():
                    del known[gone]
            for marked in (self._put_off, self._changed):
                marked.intersection_update(rows.keys())
