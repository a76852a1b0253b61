"""How does a process die with the one that started it, however that one dies?"""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # once, before any fork: it makes a class of its own each time


def die_with(parent: int, *, by: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send a signal when our parent, whose pid is `parent`, dies; end now when it is dead already.

    The pid is asked for because a parent that died before this call would never be noticed.
    """
    if _libc.prctl(PR_SET_PDEATHSIG, by, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(0)
