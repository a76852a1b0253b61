"""What does a command say of the service? It speaks as plugins for Nagios do, of which Debian has some hundred."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import child_process, clock
from healthmon.model.check import CheckReason, Outcome
from healthmon.probes import plugin
from healthmon.probes.classify import outcome

if TYPE_CHECKING:
    from healthmon.child_process import Ended
    from healthmon.probes.settings import ProbeSettings

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/nagios/plugins"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}  # nothing of ours: that may hold secrets
_NEVER = threading.Event()  # a look is abandoned, not stopped; `timeout` ends what outlives us


class CommandProbe:
    """Runs the command, without a shell. `status_code` is its exit code, the response time how long it ran."""

    def __init__(self, settings: ProbeSettings) -> None:
        self._command = settings.command
        self._environment = ENVIRONMENT | {name: value.get_secret_value() for name, value in settings.environment.items()}
        self._good = frozenset(settings.expect.exit_codes)
        self._timeout_s = settings.timeout_seconds

    def ask(self) -> Outcome:
        began_s = clock.monotonic()
        ended = child_process.run(self._command, self._environment, timeout_s=self._timeout_s, stopping=_NEVER, keeps_start=True)
        return self._judged(ended, clock.monotonic() - began_s)

    def _judged(self, ended: Ended, took_s: float) -> Outcome:
        said = plugin.understand(ended.output)
        if ended.exit_code is None:
            reason = CheckReason.TIMEOUT if ended.was_killed else CheckReason.PLUGIN_UNKNOWN
            return outcome(reason, f"{ended.problem}{': ' if said.text else ''}{said.text}")
        if ended.exit_code < 0:
            return outcome(CheckReason.PLUGIN_UNKNOWN, f"was ended by {signal.Signals(-ended.exit_code).name}: {said.text}".rstrip(": "))
        reason = plugin.verdict(ended.exit_code, self._good)
        if reason is CheckReason.OK:
            return Outcome(reason=reason, response_time_s=took_s, status_code=ended.exit_code, performance=said.performance)
        text = said.text or f"said nothing, and ended with {ended.exit_code}"
        return replace(outcome(reason, text, status_code=ended.exit_code, response_time_s=took_s), performance=said.performance)
