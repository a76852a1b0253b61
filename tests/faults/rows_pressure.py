"""A host whose processors are all taken, by processes that really take them: F32-pressure."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.harness import CannotRunError, row, since
from tests.faults.ward import ward

if TYPE_CHECKING:
    from collections.abc import Iterator

FOR_EACH_CPU = 4
ENDS_AFTER_S = 120  # whatever becomes of the test
TAKES_ALL = f"import time; end = time.monotonic() + {ENDS_AFTER_S}\nwhile time.monotonic() < end: pass"


@row("F32-pressure", "no processor is free: what is silent is excused, what answers wrongly is restarted; the silent one afterwards", bound_s=45, in_ci=False)
def pressure() -> float:
    if not Path("/proc/pressure/cpu").exists():
        raise CannotRunError("this kernel tells no pressure")
    with ward() as the:
        silent, wrong = the.admit("silent"), the.admit("wrong")
        with the.agent() as host:
            with no_processor_free():
                wait_for(lambda: " host_pressure " in host.log("watchdog"), timeout_s=60, what="the watchdog to notice")
                silent.make_ill(silently=True)
                wrong.make_ill()
                wait_for(lambda: host.states() == ["verified"], timeout_s=60, what="the one that answers wrongly to be healed")
                wrong.assert_restarts(1)
                wait_for(lambda: "reason=host_pressure" in host.log("evaluator"), timeout_s=20, what="the silent one to be excused")
                host.wait_for_checks(above=host.checks() + 10, what="some rounds of checks", timeout_s=60)
                silent.assert_restarts(0)
            began = time.monotonic()
            wait_for(lambda: host.states() == ["verified"] * 2, timeout_s=90, what="the silent one to be healed")
            took = since(began)
            the.check(host)
            silent.assert_restarts(1)
            wrong.assert_restarts(1)
            return took


@contextmanager
def no_processor_free() -> Iterator[None]:
    """Have every processor wanted by several processes, which yield to all others: waiting is what counts."""
    command = [sys.executable, "-c", TAKES_ALL]
    takers = [subprocess.Popen(command, preexec_fn=lambda: os.nice(15)) for _ in range(FOR_EACH_CPU * (os.cpu_count() or 1))]  # noqa: PLW1509  no threads here yet
    try:
        yield
    finally:
        for taker in takers:
            taker.kill()
            taker.wait()
