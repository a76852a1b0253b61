"""The part of the watchdog that tells others how all of it is: systemd, and a dead-man's receiver outside.

Who tells them is the one who would notice; it needs no database for it. systemd hears nothing from us when a process
hangs, and ends everything when that lasts; the receiver misses our ping, and tells a person.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon.model.delivery import SendResult, SendStatus
from healthmon.processes import child
from healthmon.watch import systemd_notify
from healthmon.watch.dead_man import ping

if TYPE_CHECKING:
    from healthmon.log import Log
    from healthmon.watch.settings import WatchSettings
    from healthmon.watch.wellbeing import Wellbeing

PING_LIMIT_S = 20.0
ENDED_WITHIN_S = 1.0  # of its end it is noticed that a ping is over


class Outward:
    """Speaks for the agent as a whole."""

    def __init__(self, settings: WatchSettings, log: Log) -> None:
        self.has_been_ready = False
        self.has_been_well = False
        self._is_well = False
        self._manager = systemd_notify.manager()
        self._words = ""
        self._dead_man = _DeadMan(settings, log)

    def follow(self, settings: WatchSettings) -> None:
        """Ping where these settings say from now on."""
        self._dead_man.follow(settings)

    def report(self, wellbeing: Wellbeing) -> None:
        """Tell whoever wants to hear it how all of it is."""
        messages = []
        if wellbeing.is_ready and not self.has_been_ready:
            self.has_been_ready = True
            messages.append(systemd_notify.READY)
        if wellbeing.is_alive:
            messages.append(systemd_notify.ALIVE)
        if wellbeing.words != self._words:
            self._words = wellbeing.words
            messages.append(systemd_notify.status(wellbeing.words))
        if messages:
            self._manager.tell(*messages)
        self._is_well = wellbeing.is_well
        self.has_been_well = self.has_been_well or wellbeing.is_well

    def advance(self, now: float) -> float:
        """Ping when that is due, and all was well at the last look; return the seconds until there is something to do again."""
        return self._dead_man.look_after(now, is_well=self._is_well)

    def close(self) -> None:
        self._dead_man.close()


class _DeadMan:
    """Pings every `ping_seconds` while all is well, in a process that can be ended."""

    def __init__(self, settings: WatchSettings, log: Log) -> None:
        self._log = log
        self._pinged_at = float("-inf")
        self.follow(settings)
        self._pinging: child.Child | None = None
        self._problem = ""

    def follow(self, settings: WatchSettings) -> None:
        self._url = "" if settings.ping_url is None else settings.ping_url.get_secret_value()
        self._every_s = settings.ping_seconds

    def look_after(self, now: float, *, is_well: bool) -> float:
        if self._pinging is not None and (self._pinging.is_over() or self._pinging.elapsed_s() > PING_LIMIT_S):
            self._say(self._pinging.end())
            self._pinging = None
        if self._url and is_well and self._pinging is None and now >= self._pinged_at + self._every_s:
            self._pinged_at = now
            with suppress(OSError):  # no more processes to be had: the receiver misses a ping, which is the truth
                self._pinging = child.begin(self._ping, title="healthmon: watchdog ping")
        if self._pinging is not None:
            return ENDED_WITHIN_S
        return max(0.0, self._pinged_at + self._every_s - now) if self._url and is_well else float("inf")

    def _ping(self) -> SendResult:
        problem = ping(self._url)
        return SendResult(status=SendStatus.FAILED if problem else SendStatus.SENT, detail=problem)

    def _say(self, result: SendResult) -> None:
        problem = "" if result.status is SendStatus.SENT else result.detail
        before, self._problem = self._problem, problem
        if problem and problem != before:
            self._log.warning("ping_failed", problem=problem)
        elif before and not problem:
            self._log.info("ping_works")

    def close(self) -> None:
        if self._pinging is not None:
            self._pinging.end()
