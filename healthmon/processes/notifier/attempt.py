"""One attempt to hand something over: in a child, with a deadline, and kept until what came of it is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from healthmon.failpoints import reach
from healthmon.model.delivery import SendStatus
from healthmon.processes import child

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.model.delivery import SendResult
    from healthmon.processes.child import Child
    from healthmon.processes.doorbell import Doorbell

DEADLINE_S = 30.0

T = TypeVar("T")


class Attempt(Generic[T]):
    """At most one is under way; `what` is what it hands over. The failpoint `sent` is reached when that has arrived."""

    def __init__(self, doorbell: Doorbell, *, name: str, sent: str, deadline_s: float) -> None:
        self._doorbell = doorbell
        self._name = name
        self._sent = sent
        self._deadline_s = deadline_s
        self._what: T | None = None
        self._child: Child | None = None
        self._result: SendResult | None = None  # until it is written down, which a locked database may put off
        self.took_s = 0.0

    @property
    def is_busy(self) -> bool:
        return self._what is not None

    def begin(self, what: T, send: Callable[[], SendResult]) -> None:
        self._child = child.begin(send, title=f"healthmon: notifier {self._name}")
        self._what = what
        self._doorbell.also_wake_for(self._child.pipe)

    def left_s(self) -> float | None:
        """Return the seconds until its deadline; None when none is under way, or it is over."""
        return None if self._child is None else max(0.0, self._deadline_s - self._child.elapsed_s()) + 0.01

    def settle(self, book: Callable[[T, SendResult], None]) -> None:
        """Have what came of it written down when it is over, or has taken too long; when that fails, the next call does it."""
        if self._child is not None and (self._child.is_over() or self._child.elapsed_s() > self._deadline_s):
            self.end()
        if self._what is not None and self._result is not None:
            book(self._what, self._result)
            self._what, self._result = None, None

    def end(self) -> None:
        """Have it end now: whether it arrived nobody may know."""
        if self._child is None:
            return
        self._doorbell.no_longer_wake_for(self._child.pipe)
        self.took_s, self._result, self._child = self._child.elapsed_s(), self._child.end(), None
        if self._result.status is SendStatus.SENT:
            reach(self._sent)
