"""Faults of files that somebody removes under a running agent: F18."""

from __future__ import annotations

import os
import shutil
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from healthmon.processes.roles import is_held
from healthmon.watch.policy import HUNG_AFTER_S
from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.harness import row, since
from tests.faults.neighbours import Well, assert_never_unhealthy

if TYPE_CHECKING:
    from collections.abc import Callable

LOOKS_S = 12.0  # the watchdog looks twice within that

SOCKETS: dict[str, Callable[[Agent], None]] = {
    "supervisord's socket": lambda host: host.paths.supervisor_socket.unlink(),
    "the heartbeats' socket": lambda host: host.paths.heartbeats.unlink(),
}
DIRECTORIES: dict[str, Callable[[Agent], None]] = {
    "the log directory": lambda host: shutil.rmtree(host.paths.logs),
    "the runtime directory": lambda host: shutil.rmtree(host.paths.runtime),
}


def _alerts(host: Agent) -> int:
    return host.log("watchdog").count(" ALERT ")


@row("F18-sockets", "sockets are removed: probing goes on, nobody is killed, it is said once and put back", bound_s=20)
def removed_sockets() -> float:
    return _removed(SOCKETS)


@row("F18", "logs and the runtime directory are removed: probing goes on, nobody is killed, it is said once and put back", bound_s=20, in_ci=False)
def removed_directories() -> float:
    return _removed(DIRECTORIES)


def _removed(removals: dict[str, Callable[[Agent], None]]) -> float:
    worst = 0.0
    with Well() as well, agent([well.service()]) as host:
        host.wait_for_checks(above=1)
        before = host.pids()
        for what, remove in removals.items():
            stored, began = host.checks(), time.monotonic()
            remove(host)
            alerts = _alerts(host)
            wait_for(partial(_is_whole, host, before), timeout_s=20, what=f"{what} to be put back")
            worst = max(worst, since(began))
            host.wait_for_checks(above=stored + 2)
            wait_for(partial(_is_said, host, alerts), timeout_s=20, what=f"somebody to say that {what} was removed")
        assert host.pids() == before, "workers ended over it"
        assert host.log("watchdog").count("files_removed") <= len(removals), "it was not said once"
        second = host.ask("run")
        assert second.returncode == 2, f"a second agent ended with {second.returncode}"
        assert_never_unhealthy(host)
        host.assert_sound()
        return worst


def _is_whole(host: Agent, before: dict[str, int]) -> bool:
    locks = [host.paths.lock(role) for role in ("agent", *host.programs)]
    bells = [host.paths.doorbell(name) for name in host.programs]
    files = [host.paths.logs / "supervisord.log", host.paths.heartbeats, host.paths.console, *bells]
    return all(map(is_held, locks)) and all(path.exists() for path in files) and host.pids() == before


def _is_said(host: Agent, alerts: int) -> bool:
    """The watchdog says it, unless supervisord has put back its own before it looked, and said so."""
    return _alerts(host) > alerts or "our socket was removed" in (host.paths.logs / "supervisord.log").read_text()


@row("F18-hung", "heartbeats cannot arrive for longer than a hang may last: nobody is killed; a real hang is still seen", bound_s=45, in_ci=False)
def deaf_watchdog() -> float:
    """With a directory in the place of the socket the watchdog stays deaf until that is gone."""
    with Well() as well, agent([well.service()]) as host:
        before = host.pids()
        host.paths.heartbeats.unlink()
        host.paths.heartbeats.mkdir()
        wait_for(lambda: "files_removed" in host.log("watchdog") or host.pids() != before, timeout_s=15, what="the watchdog to notice")
        time.sleep(HUNG_AFTER_S + LOOKS_S)  # the fault itself
        assert host.pids() == before, "workers were killed for the watchdog's deafness"
        assert host.log("watchdog").count("files_removed") == 1, "it was not said once"
        host.paths.heartbeats.rmdir()
        wait_for(host.paths.heartbeats.is_socket, timeout_s=15, what="the heartbeats' socket to be put back")
        began = time.monotonic()
        os.kill(before["evaluator"], signal.SIGSTOP)
        host.wait_until_replaced("evaluator", before=before)
        took = since(began)
        host.assert_sound()
        return took
