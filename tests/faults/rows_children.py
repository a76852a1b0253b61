"""Programs that we start for others, and that misbehave: hooks before and after a restart. F17."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from tests.containers import wait_for
from tests.faults.harness import row, since
from tests.faults.ward import ward

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.ward import HealingAgent

HOOK_S = 1.0
# Forks, forgets its children, ignores TERM, leaves its group, prints for ever.
EVIL = """#!/bin/sh
trap '' TERM HUP INT
for i in 1 2 3; do (trap '' TERM; sleep 1000) & done
(sh -c 'sleep 0.1' &)
exec yes hm-evil-hook
"""


@row("F17", "hooks fork, forget their children, ignore TERM and print for ever: ended in time with all they began, no zombie, bounded output", bound_s=20)
def evil_hooks() -> float:
    with ward() as the:
        patient = the.admit("a")
        script = the.folder / "evil"
        script.write_text(EVIL)
        script.chmod(0o755)
        hooks = {"before": [str(script)], "after": [str(script)], "timeout_seconds": HOOK_S}
        with the.agent(hooks=hooks) as host:
            memory = host.healer_peak_bytes()
            began = patient.make_ill()
            host.wait_for_heal("verified")
            wait_for(lambda: len(host.rows("SELECT 1 FROM hook_runs")) == 2, timeout_s=20, what="both hooks to be over")
            took = since(began)
            wait_for(lambda: not _left_of(host, the.folder), timeout_s=10, what="nothing to be left of the hooks")
            longest = host.rows("SELECT max(length(output)) FROM hook_runs")[0][0]
            assert longest <= 64 * 1_024, f"{longest} bytes of a hook's output were kept"
            grown = host.healer_peak_bytes() - memory
            assert grown < 32 * 2**20, f"the healer grew by {grown >> 20} MiB"
            the.check(host)
            patient.assert_restarts(1)
            return took


def _left_of(host: HealingAgent, folder: Path) -> list[str]:
    """Return the zombies below the agent, and what still runs of the hooks."""
    tree = psutil.Process(host.process.pid).children(recursive=True)
    zombies = [f"zombie {one.pid}" for one in tree if one.status() == psutil.STATUS_ZOMBIE]
    return zombies + [" ".join(one.info["cmdline"]) for one in psutil.process_iter(["cmdline"]) if _is_of_hook(one, folder)]


def _is_of_hook(process: psutil.Process, folder: Path) -> bool:
    words = process.info["cmdline"] or []
    return "hm-evil-hook" in words or str(folder / "evil") in words
