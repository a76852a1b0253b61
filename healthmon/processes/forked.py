"""How does a fork of supervisord become a program of ours, with nothing of its parent left that could do harm?"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn, TextIO

from healthmon.processes import loop
from healthmon.processes.parent import die_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Main = Callable[[Sequence[str]], int]

SIGNALS = (  # that supervisord takes
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGCHLD,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


def own_signals(ignored: Sequence[signal.Signals] = ()) -> None:
    """Take back what supervisord did with signals; a program of ours must not die of a stray one before it has begun."""
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def run_here(main: Main, argv: Sequence[str], env: Mapping[str, str], *, parent: int) -> NoReturn:
    """Run one of our programs in this fork and end it. supervisord has put our pipes on the descriptors 0 to 2."""
    gc.freeze()  # what was open in the parent is closed here: an object must not close a number that is ours now
    own_signals(ignored=loop.STRAY_SIGNALS)
    code = 1
    try:
        die_with(parent)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["healthmon", *argv]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for as long as the process lives
        sys.stdout = _output(1)
        sys.stderr = _output(2)
        code = main(argv)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0
    except BaseException:  # noqa: BLE001  this is the top of the process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _output(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
