"""What is the work of one process, and how is it made? One unit a call; who made it says when it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from healthmon.errors import HealthmonError

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.processes.doorbell import Doorbell
    from healthmon.processes.trouble import Trouble

    Make = Callable[[Config], Callable[[Doorbell], "Worker"]]

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
