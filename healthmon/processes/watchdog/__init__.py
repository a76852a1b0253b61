"""Hears the heartbeats of all processes, replaces what hangs or leaks, revives what supervisord gave up on.

It needs no database to judge, to kill or to tell systemd and the world outside; what our processes use is written there
when it can be.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError, HealthmonError
from healthmon.log import Log
from healthmon.processes.directories import prepare_directories
from healthmon.processes.doorbell import ring
from healthmon.processes.programs import names
from healthmon.processes.watchdog.charges import Charges
from healthmon.processes.watchdog.outward import Outward
from healthmon.processes.watchdog.pressing import Pressing
from healthmon.processes.watchdog.reloading import Reloading
from healthmon.processes.watchdog.sampling import Sampling
from healthmon.processes.watchdog.writing import Writing
from healthmon.watch import policy
from healthmon.watch.heartbeat import Ear
from healthmon.watch.host import is_stopped
from healthmon.watch.policy import FIRST_BEAT_WITHIN_S, FLAPPING_STARTS, FLAPPING_WITHIN_S, WatchAction, WatchReason
from healthmon.watch.supervisor_rpc import SupervisorRpc
from healthmon.watch.wellbeing import wellbeing

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.processes.doorbell import Doorbell
    from healthmon.watch.policy import WatchDecision
    from healthmon.watch.supervisor_rpc import ProgramInfo

PROGRAM = "watchdog"
LOOK_EVERY_S = 5.0
ASK_EVERY_S = 15.0  # supervisord, while every program that it ran at the last time is heard
FIRST_LOOKS_EVERY_S = 0.25  # who started us waits to hear that all is ready
OWN_GAP_S = 15.0  # who was frozen that long itself judges nobody by the clock
SIGNALS = {WatchAction.KILL: signal.SIGKILL, WatchAction.RECYCLE: signal.SIGTERM}


def make(config: Config) -> Callable[[Doorbell], Watchdog]:
    """Return what makes the watchdog once its role is held."""
    return lambda doorbell: Watchdog(config, doorbell, Log(PROGRAM))


class Watchdog:
    """One step hears what was said, and every few seconds looks at every program."""

    def __init__(self, config: Config, doorbell: Doorbell, log: Log) -> None:
        self._paths = config.paths
        self._ear = Ear(config.paths.heartbeats)
        doorbell.also_wake_for(self._ear.fileno())
        for bell in config.paths.doorbells.glob("*.sock"):
            ring(bell)  # who began before us has beaten where nobody heard it
        self._rpc = SupervisorRpc(config.paths.supervisor_socket)
        self._charges = Charges(names(config), clock.monotonic())
        self._reloading = Reloading(config.paths, doorbell, log)
        self._writing = Writing(config.paths.database, log, trouble="samples_not_written")
        self._sampling = Sampling(config, self._writing)
        self._pressing = Pressing(config.paths.data_dir, self._writing, log)
        self._outward = Outward(config.watchdog, log)
        self._max_memory_bytes = int(config.watchdog.max_memory_mb * 2**20)
        self._look_every_s = min(LOOK_EVERY_S, config.watchdog.sample_seconds)
        self._log = log
        self._look_at = self._began_at = clock.monotonic()
        self._ask_at = clock.monotonic()
        self._infos: list[ProgramInfo] = []  # what supervisord said last
        self._stepped_at = clock.monotonic()
        self._removed = ""  # what was missing at the last look
        self._supervisor_problem = ""
        self._said: dict[str, WatchReason] = {}
        self._flapping: set[str] = set()

    def step(self) -> float:
        """Hear, look, act; return the seconds until the next look."""
        now = clock.monotonic()
        if now - self._stepped_at > OWN_GAP_S:
            self._charges.forgive(now)
            self._log.warning("watchdog_was_late", seconds=now - self._stepped_at)
        self._stepped_at = now
        for beat in self._ear.hear():
            self._charges.heard(beat, now)
        self._reloading.advance(self._charges.lagging)
        if now >= self._look_at:
            self._look_at = now + (FIRST_LOOKS_EVERY_S if self._is_beginning(now) else self._look_every_s)
            self._put_back(now)
            self._look(now)
            self._pressing.look_when_due(now)
        ping_in_s = self._outward.advance(now)
        return max(0.0, min(self._look_at - clock.monotonic(), self._reloading.wait_s(), ping_in_s))

    def _is_beginning(self, now: float) -> bool:
        """Tell whether somebody waits to hear that all is ready, and soon well: a process of another unit may be later."""
        return not self._outward.has_been_ready or (not self._outward.has_been_well and now - self._began_at < FIRST_BEAT_WITHIN_S)

    def follow(self, config: Config) -> bool:
        """Look after the programs of another configuration; what is remembered of those that stay is kept."""
        self._charges.follow(names(config), clock.monotonic())
        self._infos = []
        self._sampling.follow(config)
        self._max_memory_bytes = int(config.watchdog.max_memory_mb * 2**20)
        self._look_every_s = min(LOOK_EVERY_S, config.watchdog.sample_seconds)
        self._outward.follow(config.watchdog)
        self._reloading.follow()
        return True

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        self._ear.close()
        self._reloading.close()
        self._writing.close()
        self._outward.close()

    def _put_back(self, now: float) -> None:
        """Make again what somebody removed. Who cannot reach us meanwhile is not hung."""
        missing = [path for path in (self._paths.runtime, self._paths.logs) if not path.is_dir()]
        if not self._ear.is_in_place():
            self._charges.forgive(now)
            missing.append(self._paths.heartbeats)
        removed = ", ".join(map(str, missing))
        if missing and self._paths.data_dir.is_dir():
            with suppress(OSError, HealthmonError):  # the next look tries again
                prepare_directories(self._paths)
                self._ear.put_back()
        with suppress(OSError):  # as above
            self._reloading.put_back()
        if removed and removed != self._removed:
            message = f"somebody removed {removed}: it is made again, but not what was kept there"
            self._log.error("ALERT", type="files_removed", message=message)
        self._removed = removed

    def _look(self, now: float) -> None:
        try:
            infos = self._programs(now)
        except EngineError as error:
            self._say_supervisor(str(error))
            self._outward.report(wellbeing((), supervisor_problem=str(error)))
            return
        self._say_supervisor("")
        for memory in self._sampling.sample_when_due(infos, now):
            self._charges.weighed(memory)
        judged = self._charges.elsewhere({info.name for info in infos}, now)
        for info in (info for info in infos if self._charges.is_ours(info.name)):
            observed = self._charges.see(info, now)
            decision = policy.decide(observed, now_s=now, max_memory_bytes=self._max_memory_bytes)
            judged.append(self._charges.judged(info.name, info.state, decision))
            self._act(info, decision, now)
        self._outward.report(wellbeing(judged, supervisor_problem=""))

    def _programs(self, now: float) -> list[ProgramInfo]:
        """Return what supervisord says, or said lately: of a program that is heard under the same pid it has no news.

        Its own news would be that it is frozen, which the kernel says for nothing.
        """
        if now >= self._ask_at or self._sampling.is_due(now) or not self._charges.all_are_heard(self._infos, now) or is_stopped(os.getppid()):
            self._infos = []
            self._infos = self._rpc.programs()
            self._ask_at = now + ASK_EVERY_S
        return self._infos

    def _act(self, info: ProgramInfo, decision: WatchDecision, now: float) -> None:
        self._say(info, decision)
        if decision.action is WatchAction.REVIVE:
            self._charges.revived(info.name, now)
            with suppress(EngineError):  # the next look sees what became of it
                self._rpc.start(info.name)
        elif decision.action in SIGNALS and info.pid > 0:
            self._charges.dealt_with(info.name, now)
            with suppress(ProcessLookupError):
                os.kill(info.pid, SIGNALS[decision.action])

    def _say(self, info: ProgramInfo, decision: WatchDecision) -> None:
        """Say what is done each time, and what is only noticed once. One that stays given up is one alert."""
        before, self._said[info.name] = self._said.get(info.name), decision.reason
        if decision.action is WatchAction.REVIVE and self._charges.revivals(info.name):
            self._log.info("revived_again", program=info.name, detail=decision.detail)
        elif decision.action is not WatchAction.NOTHING:
            message = f"process {info.name}: {decision.reason.value} {decision.detail}; {decision.action.value}"
            self._log.error("ALERT", type="process_unwell", program=info.name, pid=info.pid or None, message=message)
        elif decision.reason is WatchReason.LEAKING_BUSY and decision.reason is not before:
            self._log.warning("recycling_waits", program=info.name, detail=decision.detail)
        else:
            self._say_flapping(info.name, decision.reason)

    def _say_flapping(self, name: str, reason: WatchReason) -> None:
        """Say it once until it is well again: between two of its lives it is something else at times."""
        if reason is WatchReason.WELL:
            self._flapping.discard(name)
        elif reason is WatchReason.FLAPPING and name not in self._flapping:
            self._flapping.add(name)
            message = f"process {name} ends again and again: {FLAPPING_STARTS} starts within {FLAPPING_WITHIN_S / 60:.0f} minutes; its log says why"
            self._log.error("ALERT", type="process_unwell", program=name, message=message)

    def _say_supervisor(self, problem: str) -> None:
        if problem == self._supervisor_problem:
            return
        self._supervisor_problem = problem
        if problem:
            self._log.error("ALERT", type="supervisor_unwell", message=problem)
        else:
            self._log.change("supervisor_answers")
