"""What does every process of ours do, whatever its work? Take its role, listen to signals, work, beat, wait, stop.

A worker does one unit of work a call and says how long it can wait for the next one. Waiting ends early when the
doorbell rings. After each round the process tells the watchdog that its work goes on.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from setproctitle import setproctitle

from healthmon import log
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError
from healthmon.log_level import Follower
from healthmon.processes.directories import prepare_directories
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.followed import Followed
from healthmon.processes.parent import die_with
from healthmon.processes.presence import Presence
from healthmon.processes.stepping import MAX_BUGS_IN_A_ROW, Steps
from healthmon.processes.trouble import Trouble
from healthmon.processes.worker import make_worker
from healthmon.watch.heartbeat import Heart, next_beat_s

if TYPE_CHECKING:
    from healthmon.config import Config
    from healthmon.processes.following import Following
    from healthmon.processes.worker import Make, Worker

STRAY_SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)  # no meaning here; by default they would end us


class Stopping:
    """Set by SIGTERM and SIGINT; wakes the loop."""

    def __init__(self, doorbell: Doorbell) -> None:
        self.requested = False
        self._doorbell = doorbell
        for stray in STRAY_SIGNALS:
            signal.signal(stray, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, self._request)

    def _request(self, _number: int, _frame: object) -> None:
        self.requested = True
        self._doorbell.ring_self()


def run(program: str, following: Following, *, make: Make) -> int:
    """Run one process until it is told to stop. Return its exit code."""
    os.umask(0o077)
    setproctitle(f"healthmon: {program}")
    die_with(os.getppid())
    paths = following.paths
    prepare_directories(paths)
    log.set_up_file(paths.log(program), level=following.config.log_level, console=paths.console)
    process = _Process(program, following, make)
    try:
        return process.live()
    except HealthmonError as error:
        process.records.error("stopped", error=str(error))
        return error.exit_code
    finally:
        process.close()


class _Process:
    """What a process has beside its work: its place among the others, and who hears that it goes on."""

    def __init__(self, program: str, following: Following, make: Make) -> None:
        paths = following.paths
        self.records = log.Log(program)
        self._following = following
        self._make = make
        self._doorbell = Doorbell()
        self._stopping = Stopping(self._doorbell)
        self._heart = Heart(program, paths.heartbeats)
        self._trouble = Trouble(self.records)
        self._presence = Presence(program, paths, self._doorbell, self.records)
        self._verbosity = Follower(paths.log_level, configured=following.config.log_level, records=self.records)

    def live(self) -> int:
        """Take the role, and work until told to stop. Return the exit code."""
        if not self._presence.take(go_on=self._goes_on):
            return EXIT_FINE
        worker = self._made(self._following.config)
        if worker is None:
            return EXIT_FINE
        return self._work(Followed(worker, self._following, self._made, self._trouble, self._verbosity))

    def close(self) -> None:
        self._presence.close()
        self._heart.close()

    def _work(self, worker: Followed) -> int:
        self.records.info("started", pid=os.getpid(), configuration=worker.number)
        steps = Steps(worker, self._trouble)
        try:
            while self._is_wanted():
                wait_s = steps.make_one()
                if steps.bugs_in_a_row >= MAX_BUGS_IN_A_ROW:
                    self.records.error("gave_up", failed_steps=steps.bugs_in_a_row)
                    return EXIT_FAILED
                self._heart.beat(is_busy=worker.is_busy(), is_stuck=self._trouble.lasts, number=worker.number)
                if wait_s > 0:
                    self._doorbell.wait(min(wait_s, next_beat_s()))
        finally:
            worker.close()
            self.records.info("stopped", pid=os.getpid())
        return EXIT_FINE

    def _goes_on(self) -> bool:
        """Who waits for its role, or for a database that is locked, is not hung."""
        self._heart.beat(is_busy=False, is_stuck=self._trouble.lasts)
        return not self._stopping.requested

    def _is_wanted(self) -> bool:
        self._verbosity.follow()
        return not self._stopping.requested and self._presence.keep()

    def _made(self, config: Config) -> Worker | None:
        return make_worker(self._make(config), self._doorbell, self._trouble, go_on=self._goes_on)
