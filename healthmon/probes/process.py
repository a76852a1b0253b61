"""Does a process run, and does it use no more than it may?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from healthmon import clock
from healthmon.model.check import CheckReason, Outcome
from healthmon.probes.classify import outcome
from healthmon.probes.limits import judged, measured

if TYPE_CHECKING:
    from healthmon.probes.settings import ProbeSettings

MB = 2**20
WRITTEN_LATE_S = 5.0  # a process may write its pid before its start is over, never long before it


class ProcessProbe:
    """Looks for it by name or by the pid in a file. A pid that was given to another process meanwhile is none."""

    def __init__(self, settings: ProbeSettings) -> None:
        assert settings.process is not None  # noqa: S101  the settings saw to it
        self._wanted = settings.process
        self._used: dict[tuple[int, float], float] = {}  # seconds of CPU at the last look, by pid and start
        self._looked_s = 0.0

    def ask(self) -> Outcome:
        began_s = clock.monotonic()
        found, missing = self._of_file(self._wanted.pid_file) if self._wanted.pid_file is not None else self._of_name(self._wanted.name or "")
        found = [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        if not found:
            return outcome(CheckReason.PROCESS, missing)
        memory = sum(one.memory_info().rss for one in found) / MB
        values = [measured("processes", len(found), "", None), measured("memory", round(memory, 1), "MB", self._wanted.max_memory_mb)]
        cpu = self._cpu_percent(found, began_s)
        if cpu is not None:
            values.append(measured("cpu", round(cpu, 1), "%", self._wanted.max_cpu_percent))
        return judged(values, took_s=clock.monotonic() - began_s)

    def _of_name(self, name: str) -> tuple[list[psutil.Process], str]:
        found = [one for one in psutil.process_iter(["name", "exe"]) if name in (one.info["name"], Path(one.info["exe"] or "").name)]
        return found, f"no process {name} runs"

    def _of_file(self, path: str) -> tuple[list[psutil.Process], str]:
        try:
            file = Path(path)
            pid, written_at = int(file.read_text(encoding="ascii")[:20]), file.stat().st_mtime
            process = psutil.Process(pid)
        except FileNotFoundError:
            return [], f"{path} is not there"
        except (OSError, ValueError) as error:
            return [], f"{path} holds no pid that can be read: {error}"
        except psutil.NoSuchProcess:
            return [], f"the process of {path} does not run"
        if process.create_time() > written_at + WRITTEN_LATE_S:
            return [], f"the process of {path} does not run: pid {pid} is another's now"
        return [process], f"the process of {path} does not run"

    def _cpu_percent(self, found: list[psutil.Process], now_s: float) -> float | None:
        """Return what they used since the last look; None at the first."""
        used = {(one.pid, one.create_time()): sum(one.cpu_times()[:2]) for one in found}
        spent, since_s = sum(cpu - self._used.get(key, 0.0) for key, cpu in used.items()), now_s - self._looked_s
        is_first, self._used, self._looked_s = not self._used, used, now_s
        return None if is_first or since_s <= 0 else 100 * spent / since_s
