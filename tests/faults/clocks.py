"""How is the wall clock of one agent set, and nobody else's? By a library in front of its processes' clock."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from pathlib import Path

from tests.faults.harness import CannotRunError


class Clock:
    """The wall clock of one agent: what is started in its `environment` sees it moved."""

    def __init__(self, directory: Path) -> None:
        if shutil.which("cc") is None:
            raise CannotRunError("there is no C compiler for the shim that shifts a process's clock")
        self._path = directory / "shift"
        self._seconds = 0
        self.move(0)
        library = directory / "clock_shim.so"
        source = Path(__file__).with_name("clock_shim.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
        self.environment = {"LD_PRELOAD": str(library), "HEALTHMON_TEST_CLOCK": str(self._path)}

    def move(self, seconds: int) -> None:
        self._seconds += seconds
        with self._path.open("r+b" if self._path.exists() else "wb") as file:  # in place: it is mapped
            file.write(struct.pack("=q", self._seconds))

    def set_to(self, at: float) -> None:
        """Make it this time, in seconds since 1970."""
        self.move(round(at - time.time()) - self._seconds)
