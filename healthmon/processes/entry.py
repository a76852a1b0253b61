"""Which code is the process that supervisord starts? Each loads only what it needs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from setproctitle import setproctitle

from healthmon.errors import EXIT_USAGE, HealthmonError, UsageError
from healthmon.loading import quickly
from healthmon.log_journal import marked
from healthmon.paths import Paths
from healthmon.processes import following, loop
from healthmon.processes.programs import EVALUATOR, HEALER, KEEPER, NOTIFIER, PROBE, WATCHDOG, WEB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.processes.worker import Make

USAGE = "usage: healthmon process PROGRAM --data-dir DIRECTORY"


def main(argv: Sequence[str]) -> int:
    """Run `process PROGRAM --data-dir DIRECTORY`, given as words, and return the exit code."""
    match list(argv):
        case ["process", program, "--data-dir", data_dir]:
            return run(program, Path(data_dir))
        case _:
            print(USAGE, file=sys.stderr)  # noqa: T201  to the person or the log behind the pipe
            return EXIT_USAGE


def run(program: str, data_dir: Path) -> int:
    """Be the process `program` of the agent in `data_dir` until told to stop; return the exit code.

    What it does is what is applied there: the file may have been edited since.
    """
    setproctitle(f"healthmon: {program}")  # to load what it needs may take a while on a busy host
    try:
        with quickly():
            make = _maker(program)
        return loop.run(program, following.begin(Paths(data_dir=data_dir, database=data_dir / "unknown")), make=make)
    except HealthmonError as error:
        for line in str(error).splitlines():
            print(marked(f"{program}: {line}"), file=sys.stderr)  # noqa: T201  supervisord puts it into the program's log
        return error.exit_code


# ruff: noqa: PLC0415  the imports below are where they are so that a process has only its own code in memory
def _maker(program: str) -> Make:
    if program == EVALUATOR:
        from healthmon.processes import evaluator

        return evaluator.make
    if program == HEALER:
        from healthmon.processes import healer

        return healer.make
    if program == NOTIFIER:
        from healthmon.processes import notifier

        return notifier.make
    if program == KEEPER:
        from healthmon.processes import keeper

        return keeper.make
    if program == WATCHDOG:
        from healthmon.processes import watchdog

        return watchdog.make
    if program == WEB:
        from healthmon.processes import web

        return web.make
    if program.startswith(PROBE):
        from healthmon.processes import prober

        return partial(prober.make, group=program.removeprefix(PROBE))
    raise UsageError(f"there is no program {program!r}: `healthmon programs` lists those of a configuration")
