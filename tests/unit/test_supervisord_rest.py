"""When may supervisord's loop sleep until something wakes it?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from supervisor.states import ProcessStates

from healthmon.processes.supervisord import is_at_rest


@pytest.mark.parametrize(
    ("state", "started_at", "autostart", "rests"),
    [
        (ProcessStates.RUNNING, 100, True, True),
        (ProcessStates.FATAL, 100, True, True),
        (ProcessStates.EXITED, 100, True, True),  # the signal of its end has woken the loop already
        (ProcessStates.STOPPED, 100, True, True),  # by a person
        (ProcessStates.STOPPED, 0, False, True),
        (ProcessStates.STOPPED, 0, True, False),  # it is about to begin
        (ProcessStates.STARTING, 100, True, False),  # whether it lives long enough, the clock alone tells
        (ProcessStates.BACKOFF, 100, True, False),
        (ProcessStates.STOPPING, 100, True, False),
        (ProcessStates.UNKNOWN, 100, True, False),
    ],
)
def test_the_loop_goes_round_each_second_only_while_time_alone_changes_a_program(
    *, state: int, started_at: int, autostart: bool, rests: bool
) -> None:
    process = SimpleNamespace(state=state, laststart=started_at, config=SimpleNamespace(autostart=autostart))
    assert is_at_rest(process) is rests
