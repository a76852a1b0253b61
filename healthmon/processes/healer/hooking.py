"""The part of the healer that runs a person's commands before and after a restart. What comes of them stops no restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import child_process, clock
from healthmon.heal.forensics import shown_line
from healthmon.heal.hook_environment import environment
from healthmon.model.hook_run import HookMoment, HookRun
from healthmon.store import hook_runs

if TYPE_CHECKING:
    from healthmon.child_process import Stopping
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.store.connection import Connection

MAX_OUTPUT_CHARS = 500


class Hooking:
    """Runs in the thread of the one restart: a command that hangs holds up no other."""

    def __init__(self, log: Log, stopping: Stopping) -> None:
        self._log = log
        self._stopping = stopping

    def run(self, moment: HookMoment, heal: Heal, service: str, settings: HealSettings, connection: Connection) -> None:
        """Run what is configured for this moment, and keep what came of it."""
        hooks = settings.hooks
        command = hooks.before if moment is HookMoment.BEFORE else hooks.after
        if not command:
            return
        began_at, began_s = clock.now(), clock.monotonic()
        ended = child_process.run(
            command, environment(hooks, heal, moment, service=service), timeout_s=hooks.timeout_seconds, stopping=self._stopping
        )
        run = HookRun(
            heal_id=heal.heal_id,
            moment=moment,
            began_at=began_at,
            took_s=clock.monotonic() - began_s,
            exit_code=ended.exit_code,
            problem=ended.problem,
            output=_shown(ended.output),
        )
        with connection.transaction(durable=False):
            hook_runs.add(connection, run)
        write = self._log.change if run.exit_code == 0 else self._log.warning
        write("hook_ran", service=service, heal=heal.heal_id, moment=moment.value, exit_code=run.exit_code, problem=run.problem, took_s=run.took_s)


def _shown(output: str) -> str:
    """Return the end of what a command said, as one line without secrets."""
    return " | ".join(line for raw in output.splitlines() if (line := shown_line(raw).strip()))[-MAX_OUTPUT_CHARS:]
