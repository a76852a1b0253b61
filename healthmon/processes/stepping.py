"""What does a process outlive of what goes wrong in its work?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from healthmon.errors import HealthmonError
from healthmon.processes.worker import FAILED_STEP_PAUSE_S

if TYPE_CHECKING:
    from healthmon.processes.trouble import Trouble

MAX_BUGS_IN_A_ROW = 10


class _Steppable(Protocol):
    def step(self) -> float: ...


class Steps:
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
