"""How do the programs that run become those that the applied configuration asks for?

Looks at what is, and does what is missing: called again after a crash at any point, it goes on from there. Programs of
groups that stay are not touched. What else runs under the same supervisord is not ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineUnknownError
from healthmon.failpoints import reach
from healthmon.processes import programs
from healthmon.settings import is_our_program
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import SupervisorRpc

if TYPE_CHECKING:
    from collections.abc import Collection

    from healthmon.applied import Applied
    from healthmon.paths import Paths

STOP_WITHIN_S = 30.0
LOOK_EVERY_S = 0.05
STOPPED = frozenset({ProgramState.STOPPED, ProgramState.EXITED, ProgramState.FATAL})


def converge(paths: Paths, wanted: Applied) -> None:
    """Have exactly the programs of `wanted` run. Raises EngineError when supervisord does not answer, or refuses."""
    found = programs.of_monitor(wanted, paths)
    programs.write_ours(paths, found)
    reach("reload.programs_written")
    rpc = SupervisorRpc(paths.supervisor_socket)
    rpc.reread()
    names = {program.name for program in found}
    running = {info.name for info in rpc.programs() if info.group == info.name}
    for name in sorted(names - running):
        rpc.add(name)
        reach("reload.added")
    _remove(rpc, {name for name in running - names if is_our_program(name)})
    reach("reload.converged")


def _remove(rpc: SupervisorRpc, names: Collection[str]) -> None:
    """Stop programs, all at once, and have supervisord forget them."""
    for name in names:
        rpc.stop(name)
        reach("reload.stopped")
    left, until_s = set(names), clock.monotonic() + STOP_WITHIN_S
    while left:
        states = {info.name: info.state for info in rpc.programs()}
        for name in [name for name in left if states.get(name, ProgramState.STOPPED) in STOPPED]:
            rpc.remove(name)
            left.discard(name)
        if left and clock.monotonic() > until_s:
            raise EngineUnknownError(f"supervisord could not stop {', '.join(sorted(left))} within {STOP_WITHIN_S:.0f} s")
        if left:
            time.sleep(LOOK_EVERY_S)
