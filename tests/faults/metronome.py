"""How late does this machine wake anybody? A process that only sleeps is the control of every schedule that rows judge."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_S = 0.02
CODE = f"""
import signal, sys, time

late = []

def tell(number, frame):
    late.sort()
    print(late[-1 - len(late) // 100] if late else 0.0)
    sys.exit()

signal.signal(signal.SIGTERM, tell)
due = time.monotonic()
while True:
    due += {EVERY_S}
    time.sleep(max(0.0, due - time.monotonic()))
    late.append(time.monotonic() - due)
    due += late[-1]
"""


class Metronome:
    """Wakes fifty times a second, and writes down how late."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def late_s(self) -> float:
        """End it; return by how much all but one wake-up in a hundred were late at most."""
        self._process.terminate()
        told, _ = self._process.communicate()
        return float(told or 0.0)


@contextmanager
def metronome() -> Iterator[Metronome]:
    process = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    try:
        yield Metronome(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
