"""A machine that a test may do anything to, reached by a command that runs a shell as root there."""

from __future__ import annotations

import shlex
import subprocess
import time
from dataclasses import dataclass

PROJECT = "/home/user/project"
PATIENCE_S = 600
ALL_WELL = "systemctl show health-monitor -p StatusText --value | grep -q 'all well'"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine that it all runs on."""

    exec_words: tuple[str, ...]

    def root(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.exec_words, command], capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    def user(self, command: str) -> subprocess.CompletedProcess[str]:
        return self.root(f"cd {PROJECT} && su user -c {shlex.quote(command)}")

    def must(self, command: str) -> str:
        done = self.root(command)
        assert done.returncode == 0, f"{command.strip().splitlines()[-1]}: {done.stderr or done.stdout}"
        return done.stdout.strip()

    def wait(self, command: str, *, timeout_s: float) -> float:
        """Wait until a command succeeds; return the seconds that took. It is asked there: to come in anew takes longer."""
        began = time.monotonic()
        done = self.root(f"timeout {timeout_s:g} bash -c {shlex.quote(f'until {command}; do sleep 0.1; done')}")
        assert done.returncode == 0, f"`{command}` did not come true within {timeout_s:g} s: {done.stderr[-300:]}"
        return time.monotonic() - began
