"""What does the healer ask of whatever runs the targets: Docker, our supervisord, or nothing at all?"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from healthmon.errors import EngineGoneError, EngineUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from healthmon.heal.docker_usage import Reading
    from healthmon.heal.forensics import Examined
    from healthmon.model.heal import HealAction
    from healthmon.model.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What became of a few targets; `gone` are those that are not there any more."""

    targets: list[Target]
    gone: frozenset[str] = frozenset()


class Engine(Protocol):
    """Looks at targets and carries out what was decided. Making one asks nothing of anybody.

    Every method may be called from any thread.
    """

    @property
    def reachable_since(self) -> datetime | None:
        """When it was first seen to answer since it last did not; None while it does not."""

    @property
    def returned_at(self) -> datetime | None:
        """When it last came back after an absence; None when it never was away. The first contact is no return."""

    @property
    def is_behind(self) -> bool:
        """Whether the last `observe` had no time for all that is new: the next one should come soon."""

    def observe(self) -> list[Target]:
        """Return everything that could be a target now. Raises EngineUnreachableError, with the remedy."""

    def glance(self) -> Glimpse | None:
        """Return what became of the targets that events told of since the last look; None when only a look at everything tells."""

    def recall(self) -> list[Target]:
        """Return the same as `observe`, as far as it is known. Asks nobody."""

    def heed(self, concerning: Collection[str], bystanders: Collection[str], *, new: bool) -> None:
        """Have only what happens to the first end a wait, and to those that are neither where `new` ones are waited for.

        What happens to all others is looked at with everything else.
        """

    def look(self, target_id: str) -> Target:
        """Take a fresh look at one target. Raises EngineGoneError when it is not there any more."""

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:
        """Restart or start one target; return when the engine said that it is done.

        Raises EngineGoneError when it is not there, EngineUnreachableError when surely nothing was sent,
        EngineUnknownError when it may still happen, and EngineError when the engine refused.
        """

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:
        """Say that an earlier process of ours sent a restart and saw no end of it: what surely follows from it is no person's."""

    def has_stopped(self, target_id: str) -> bool:
        """Whether a stop since its last start is known to follow from a call of ours. Asks nobody."""

    def examine(self, target_id: str) -> Iterator[Examined]:
        """Tell, part by part, what a restart would erase. Raises nothing: what cannot be had says so."""

    def read_usage(self, target_id: str) -> Reading | None:
        """Return what a target uses; None where nobody can tell. Raises EngineError."""

    def events(self, on_event: Callable[[], None]) -> None:
        """Follow what happens, in a thread of its own, and call `on_event` for it. An engine may have no events."""

    def close(self) -> None:
        """Let go of everything, within a second."""


class NoEngine:
    """Stands where no engine is: there are no targets, and why is in `reason`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    @property
    def reachable_since(self) -> datetime | None:
        return None

    @property
    def returned_at(self) -> datetime | None:
        return None

    @property
    def is_behind(self) -> bool:
        return False

    def observe(self) -> list[Target]:
        return []

    def glance(self) -> Glimpse | None:
        return None

    def recall(self) -> list[Target]:
        return []

    def heed(self, concerning: Collection[str], bystanders: Collection[str], *, new: bool) -> None:
        """There are none."""

    def look(self, target_id: str) -> Target:
        raise EngineGoneError(f"cannot look at {target_id}: {self.reason}")

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:  # noqa: ARG002  the Protocol's
        raise EngineUnreachableError(f"cannot {action} {target_id}: {self.reason}")

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:
        """Nothing happens here, whoever asked for it."""

    def has_stopped(self, target_id: str) -> bool:  # noqa: ARG002  the Protocol's
        return False

    def examine(self, target_id: str) -> Iterator[Examined]:  # noqa: ARG002  the Protocol's
        return iter(())

    def read_usage(self, target_id: str) -> Reading | None:  # noqa: ARG002  the Protocol's
        return None

    def events(self, on_event: Callable[[], None]) -> None:
        """Nothing happens here."""

    def close(self) -> None:
        """Nothing is held."""


class Reachability:
    """Remembers whether an engine answers. A return is told apart from the first contact: it calls for a settling time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed = False
        self.reachable_since: datetime | None = None
        self.returned_at: datetime | None = None

    def answered(self, at: datetime) -> None:
        with self._lock:
            if self.reachable_since is not None:
                return
            self.reachable_since = at
            if self._failed:
                self.returned_at = at

    def failed(self) -> None:
        with self._lock:
            self._failed = True
            self.reachable_since = None
