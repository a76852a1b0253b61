"""What keeps a process from its work, such as a full disk, and since when? Said once, alerted when it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock

if TYPE_CHECKING:
    from healthmon.log import Log

ALERT_AFTER_S = 10.0  # who cannot work for so long has a trouble that may not pass by itself


class Trouble:
    """Says what keeps a process from its work, each thing once and not once a try, and alerts when it lasts."""

    def __init__(self, records: Log) -> None:
        self.records = records
        self.lasts = False
        self._said: list[str] = []
        self._alert_at = float("inf")

    def say(self, trouble: str) -> None:
        """Say what is wrong now; an empty text: nothing any more."""
        if not trouble:
            self._end()
            return
        if not self._said:
            self._alert_at = clock.monotonic() + ALERT_AFTER_S
        if trouble not in self._said:  # a disk that fails has several ways to say so, and takes turns
            self._said.append(trouble)
            self.records.warning("cannot_work", error=trouble)
        if clock.monotonic() >= self._alert_at:
            self._alert_at = float("inf")
            self.lasts = True
            self.records.error("ALERT", type="cannot_work", message=f"no work could be done for {ALERT_AFTER_S:.0f} s: {trouble}")

    def _end(self) -> None:
        if self._said:
            self._said.clear()
            self._alert_at = float("inf")
            self.lasts = False
            self.records.change("works_again")
