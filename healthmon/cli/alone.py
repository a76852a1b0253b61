"""How does a command make sure that no agent, and no other command, works on the same directory meanwhile?"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from healthmon.errors import UsageError
from healthmon.processes.directories import prepare_directories
from healthmon.processes.roles import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.paths import Paths

# An agent's, and its evaluator's: under a stock supervisord only the latter is held, and not while it starts anew.
AGENT = "agent"
ROLES = (AGENT, "evaluator")


@contextmanager
def alone(paths: Paths, verb: str) -> Iterator[None]:
    """Hold the roles of an agent. Raises UsageError when one is at work."""
    prepare_directories(paths)
    with ExitStack() as stack:
        if not hold_roles(paths, stack, verb):
            raise UsageError(f"an agent is at work on {paths.data_dir}: stop it first (Ctrl-C, or systemctl stop health-monitor); nothing was changed")
        yield


def hold_roles(paths: Paths, stack: ExitStack, verb: str) -> bool:
    """Take the roles that nobody else may have meanwhile, for as long as `stack` is open; none when one is taken."""
    with ExitStack() as held:
        for role in ROLES:
            lock = try_lock(paths.lock(role))
            if lock is None:
                return False
            held.callback(os.close, lock)
            os.pwrite(lock, f"{os.getpid()} {verb}\n".encode(), 0)
        stack.push(held.pop_all())
    return True
