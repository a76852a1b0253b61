"""How is one message sent? By a child: a library may wait for ever, and a thread cannot be ended."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from healthmon import log
from healthmon.model.delivery import MAX_DETAIL_CHARS, SendResult, SendStatus
from healthmon.processes import errand
from healthmon.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable


class Child:
    """One attempt under way."""

    def __init__(self, under_way: errand.Child) -> None:
        self._child = under_way
        self.pid = under_way.pid
        self.pipe = under_way.pipe

    def is_over(self) -> bool:
        """Take what the child has said; tell whether it will say no more."""
        return self._child.is_over()

    def elapsed_s(self) -> float:
        return self._child.elapsed_s()

    def end(self) -> SendResult:
        """Have the child gone, and return what came of the attempt."""
        heard = self._child.end()
        try:
            said = json.loads(heard)
            return SendResult(status=SendStatus(said["status"]), detail=said["detail"], retry_after_s=said["retry_after_s"])
        except (ValueError, KeyError, TypeError):
            return SendResult(status=SendStatus.UNKNOWN, detail=f"no end after {self.elapsed_s():.0f} s: the sender was stopped")


def begin(send: Callable[[], SendResult], *, title: str) -> Child:
    """Have `send` called in a child."""
    return Child(errand.begin(lambda: _answer(_result(send)), title=title))


def _result(send: Callable[[], SendResult]) -> SendResult:
    try:
        return send()
    except BaseException as error:  # noqa: BLE001  the top of a process; how far it came nobody knows
        return SendResult(status=SendStatus.UNKNOWN, detail=f"the sender broke: {error!r}")


def _answer(result: SendResult) -> bytes:
    detail = redact(" ".join(log.clean(result.detail).split()))[:MAX_DETAIL_CHARS]
    return json.dumps({**asdict(result), "status": result.status.value, "detail": detail}).encode()
