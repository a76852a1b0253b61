"""Which code is the process that supervisord starts? Each loads only what it needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import config as configuration
from healthmon.errors import EXIT_USAGE, HealthmonError, UsageError
from healthmon.log_journal import marked
from healthmon.processes import loop
from healthmon.processes.programs import EVALUATOR, HEALER, KEEPER, NOTIFIER, PROBE, WATCHDOG, WEB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from healthmon.config import Config
    from healthmon.processes.doorbell import Doorbell

USAGE = "usage: healthmon process PROGRAM --config FILE"


def main(argv: Sequence[str]) -> int:
    """Run `process PROGRAM --config FILE`, given as words, and return the exit code."""
    match list(argv):
        case ["process", program, "--config", source]:
            return run(program, Path(source))
        case _:
            print(USAGE, file=sys.stderr)  # noqa: T201  to the person or the log behind the pipe
            return EXIT_USAGE


def run(program: str, source: Path) -> int:
    """Be the process `program` of the configuration in `source` until told to stop; return the exit code."""
    try:
        config = configuration.load(source)
        make = _maker(program, config)
        return loop.run(program, config.paths, level=config.log_level, make=make)
    except HealthmonError as error:
        for line in str(error).splitlines():
            print(marked(f"{program}: {line}"), file=sys.stderr)  # noqa: T201  supervisord puts it into the program's log
        return error.exit_code


# ruff: noqa: PLC0415  the imports below are where they are so that a process has only its own code in memory
def _maker(program: str, config: Config) -> Callable[[Doorbell], loop.Worker]:
    if program == EVALUATOR:
        from healthmon.processes import evaluator

        return evaluator.make(config)
    if program == HEALER:
        from healthmon.processes import healer

        return healer.make(config)
    if program == NOTIFIER:
        from healthmon.processes import notifier

        return notifier.make(config)
    if program == KEEPER:
        from healthmon.processes import keeper

        return keeper.make(config)
    if program == WATCHDOG:
        from healthmon.processes import watchdog

        return watchdog.make(config)
    if program == WEB:
        from healthmon.processes import web

        return web.make(config)
    if program.startswith(PROBE):
        from healthmon.processes import prober

        return prober.make(config, program.removeprefix(PROBE))
    raise UsageError(f"there is no program {program!r}: `healthmon programs` lists those of a configuration")
