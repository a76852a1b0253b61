"""A host whose processors are all taken, or whose memory is, by processes that really take it: F32-pressure, F32-memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.containers import wait_for
from tests.faults.harness import CannotRunError, row, since
from tests.faults.ward import HealingAgent, ward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

FOR_EACH_CPU = 4
ENDS_AFTER_S = 120  # whatever becomes of the test
TAKES_ALL = f"import time; end = time.monotonic() + {ENDS_AFTER_S}\nwhile time.monotonic() < end: pass"
CGROUPS = Path("/sys/fs/cgroup/memory")
HAS_MIB = 1_536  # what there is for the agent and for who takes the rest
TAKES_MEMORY = f"""
import re, time
def left():
    told = dict(re.findall(r"(MemTotal|MemAvailable): +(\\d+)", open("/proc/meminfo").read()))
    return 100 * int(told["MemAvailable"]) / int(told["MemTotal"])
open("/proc/self/oom_score_adj", "w").write("1000")
taken, end = [], time.monotonic() + {ENDS_AFTER_S}
while time.monotonic() < end:
    while left() > 2.5:
        taken.append(b"x" * 2**20)
    time.sleep(0.2)
"""


@row("F32-pressure", "no processor is free: what is silent is excused, what answers wrongly is restarted; the silent one afterwards", bound_s=45, in_ci=False, alone=True)
def pressure() -> float:
    if not Path("/proc/pressure/cpu").exists():
        raise CannotRunError("this kernel tells no pressure")
    return _only_what_is_silent_is_excused(no_processor_free, said="processes wait for a processor")


@row("F32-memory", "no memory is left: what is silent is excused, what answers wrongly is restarted; the silent one afterwards", bound_s=45, in_ci=False, alone=True)
def memory() -> float:
    with small_memory() as within, patch.object(HealingAgent, "prefix", within):
        return _only_what_is_silent_is_excused(lambda: no_memory_left(within), said="of the memory is available")


def _only_what_is_silent_is_excused(short: Callable[[], AbstractContextManager[None]], *, said: str) -> float:
    with ward() as the:
        silent, wrong = the.admit("silent"), the.admit("wrong")
        with the.agent() as host:
            with short():
                wait_for(lambda: " host_pressure " in host.log("watchdog"), timeout_s=60, what="the watchdog to notice")
                assert said in host.log("watchdog"), f"what it noticed is another thing: {host.log('watchdog')[-500:]}"
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


@contextmanager
def small_memory() -> Iterator[tuple[str, ...]]:
    """Give what to start a command with, so that it has but little memory, of which its /proc/meminfo tells.

    The rest of the machine has what it had. The kernel counts; lxcfs tells it in the words of that file, as it does in any container of LXC.
    """
    lxcfs = shutil.which("lxcfs")
    if lxcfs is None or not (CGROUPS / "memory.limit_in_bytes").exists() or os.geteuid() != 0:
        raise CannotRunError("needs root, lxcfs and the first version of cgroups")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hm-lxcfs-")))
        view, group = folder / "view", CGROUPS / folder.name
        view.mkdir()
        group.mkdir()
        stack.callback(lambda: wait_for(lambda: _is_removed(group), timeout_s=10, what="its processes to be gone"))
        (group / "memory.limit_in_bytes").write_text(f"{HAS_MIB}M")
        process = stack.enter_context(subprocess.Popen([lxcfs, "-f", "-p", str(folder / "pid"), str(view)], stderr=subprocess.DEVNULL))
        stack.callback(process.terminate)  # unmounts it
        wait_for((view / "proc" / "meminfo").exists, timeout_s=10, what="lxcfs")
        enter = f'echo $$ > {group}/cgroup.procs && mount --bind {view}/proc/meminfo /proc/meminfo && exec "$@"'
        yield ("unshare", "--mount", "sh", "-c", enter, "sh")


def _is_removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True


@contextmanager
def no_memory_left(within: tuple[str, ...]) -> Iterator[None]:
    """Have a process take what is there, and what becomes free."""
    with subprocess.Popen([*within, sys.executable, "-c", TAKES_MEMORY]) as taker:
        try:
            yield
            assert taker.poll() is None, f"it ended with {taker.returncode} before the row did"
        finally:
            taker.kill()
