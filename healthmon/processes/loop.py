"""What does every process of ours do, whatever its work? Take its role, listen to signals, work, beat, wait, stop.

A worker does one unit of work a call and says how long it can wait for the next one. Waiting ends early when the
doorbell rings. After each round the process tells the watchdog that its work goes on.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Protocol

from setproctitle import setproctitle

from healthmon import log
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError, UsageError
from healthmon.log_level import Follower
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.parent import die_with
from healthmon.processes.presence import Presence
from healthmon.processes.trouble import Trouble
from healthmon.watch.heartbeat import Heart, next_beat_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.paths import Paths
    from healthmon.processes.following import Following

    Make = Callable[[Config], Callable[[Doorbell], "Worker"]]

STRAY_SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)  # no meaning here; by default they would end us
MAX_BUGS_IN_A_ROW = 10
FAILED_STEP_PAUSE_S = 1.0


class Worker(Protocol):
    """The work of one process."""

    def step(self) -> float:
        """Do one unit of work; return the seconds until there is more at the latest, 0 for at once."""

    def follow(self, config: Config) -> bool:
        """Take in a configuration that is applied from now on, between two steps; what is under way goes on.

        Return False to be closed, and made anew for it. What raises HealthmonError has changed nothing, and is asked again.
        """

    def is_busy(self) -> bool:
        """Tell whether something is under way that ending this process now would cut short."""

    def close(self) -> None:
        """Let go of everything, within a few seconds."""


class _Steppable(Protocol):
    def step(self) -> float: ...


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
    records = log.Log(program)
    doorbell = Doorbell()
    stopping = Stopping(doorbell)
    heart = Heart(program, paths.heartbeats)

    trouble = Trouble(records)

    def go_on() -> bool:
        # Who waits for its role, or for a database that is locked, is not hung.
        heart.beat(is_busy=False, is_stuck=trouble.lasts)
        return not stopping.requested

    presence = Presence(program, paths, doorbell, records)
    verbosity = Follower(paths.log_level, configured=following.config.log_level, records=records)
    try:
        if not presence.take(go_on=go_on):
            return EXIT_FINE

        def is_wanted() -> bool:
            verbosity.follow()
            return not stopping.requested and presence.keep()

        def made(config: Config) -> Worker | None:
            return make_worker(make(config), doorbell, trouble, go_on=go_on)

        worker = made(following.config)
        if worker is None:
            return EXIT_FINE
        followed = Followed(worker, following, made, trouble, verbosity)
        return _work(followed, doorbell, trouble, heart, is_wanted=is_wanted)
    except HealthmonError as error:
        records.error("stopped", error=str(error))
        return error.exit_code
    finally:
        presence.close()
        heart.close()


def make_worker(
    make: Callable[[Doorbell], Worker],
    doorbell: Doorbell,
    trouble: Trouble,
    *,
    go_on: Callable[[], bool],
) -> Worker | None:
    """Make the worker, and outlive what may pass: to end would use up the tries that supervisord allows a start.

    Return None when `go_on`, which is asked before each try, said no first.
    """
    while go_on():
        try:
            worker = make(doorbell)
        except HealthmonError as error:
            if error.permanent:
                raise
            trouble.say(str(error))
        else:
            trouble.say("")
            return worker
        doorbell.wait(FAILED_STEP_PAUSE_S)
    return None


def _work(worker: Followed, doorbell: Doorbell, trouble: Trouble, heart: Heart, *, is_wanted: Callable[[], bool]) -> int:
    records = trouble.records
    records.info("started", pid=os.getpid(), configuration=worker.number)
    steps = _Steps(worker, trouble)
    try:
        while is_wanted():
            wait_s = steps.make_one()
            if steps.bugs_in_a_row >= MAX_BUGS_IN_A_ROW:
                records.error("gave_up", failed_steps=steps.bugs_in_a_row)
                return EXIT_FAILED
            heart.beat(is_busy=worker.is_busy(), is_stuck=trouble.lasts, number=worker.number)
            if wait_s > 0:
                doorbell.wait(min(wait_s, next_beat_s()))
    finally:
        worker.close()
        records.info("stopped", pid=os.getpid())
    return EXIT_FINE


class Followed:
    """A worker that works with the newest configuration that is applied."""

    def __init__(
        self, worker: Worker, following: Following, made: Callable[[Config], Worker | None], trouble: Trouble, verbosity: Follower
    ) -> None:
        self._worker: Worker | None = worker  # None when we were told to stop while a new one could not be made
        self._following = following
        self._made = made
        self._records = trouble.records
        self._verbosity = verbosity

    @property
    def number(self) -> int:
        """The number of the configuration that it works with."""
        return self._following.number

    def step(self) -> float:
        news = self._following.news(self._records)
        if news is not None:
            self._follow(news)
            return 0.0
        return 0.0 if self._worker is None else self._worker.step()

    def is_busy(self) -> bool:
        return self._worker is not None and self._worker.is_busy()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _follow(self, config: Config) -> None:
        """Work with another configuration from now on; with the old one as long as something that passes stands in the way."""
        try:
            in_place = self._worker is not None and self._worker.follow(config)
        except HealthmonError as error:
            if error.permanent:
                raise
            self._following.later()
            self._records.warning("configuration_waits", error=str(error))
            return
        except Exception:  # noqa: BLE001  nobody knows how far it came: a new worker begins with it
            self._records.exception("following_failed")
            in_place = False
        self._following.followed()
        self._verbosity.configure(config.log_level)
        if not in_place:
            self._begin_anew(config)
        self._records.info("configuration_followed", number=self.number)

    def _begin_anew(self, config: Config) -> None:
        self.close()
        self._worker = None
        self._worker = self._made(config)


class _Steps:
    """Outlives what may pass (said once, not once a step), and a bug for some steps; then supervisord starts us anew."""

    def __init__(self, worker: _Steppable, trouble: Trouble) -> None:
        self._worker = worker
        self._records = trouble.records
        self._trouble = trouble
        self.bugs_in_a_row = 0

    def make_one(self) -> float:
        try:
            wait_s = self._worker.step()
        except HealthmonError as error:
            if error.permanent:
                raise
            self._trouble.say(str(error))
            return FAILED_STEP_PAUSE_S
        except MemoryError:
            self._records.exception("out_of_memory")
            self.bugs_in_a_row = MAX_BUGS_IN_A_ROW  # only a new process has memory again
            return FAILED_STEP_PAUSE_S
        except Exception:  # noqa: BLE001  the top of the work: with its traceback, and never silently
            self.bugs_in_a_row += 1
            self._records.exception("step_failed")
            return FAILED_STEP_PAUSE_S
        self.bugs_in_a_row = 0
        self._trouble.say("")
        return wait_s


def prepare_directories(paths: Paths) -> None:
    """Make the directories of an agent. Raises UsageError when one cannot be made or written."""
    for directory in (paths.data_dir, paths.runtime, paths.programs, paths.runtime / "locks", paths.doorbells, paths.logs):
        try:
            mode = 0o755 if directory == paths.data_dir else 0o700
            directory.mkdir(mode=mode, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the directory {directory}: {error.strerror}; set data_dir to one that is yours") from error
        if not os.access(directory, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write into {directory}: check its owner and mode, or set data_dir to another")
    paths.runtime.chmod(0o700)  # whoever can reach the sockets in it can stop everything
