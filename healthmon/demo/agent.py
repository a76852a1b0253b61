"""How does the demo run the agent? As a child in a session of its own, which dies with the demo, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from healthmon import config as configuration
from healthmon.demo import service
from healthmon.demo.local import demo_programs
from healthmon.errors import HealthmonError
from healthmon.processes import supervision
from healthmon.processes.parent import die_with

if TYPE_CHECKING:
    from types import TracebackType

STOP_S = 25.0
TAIL_CHARS = 2_000


class Agent:
    """The demo's own `healthmon run`."""

    def __init__(self, source: Path) -> None:
        self._log = source.parent / "agent.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603  ourselves, with words of ours
                [sys.executable, "-P", "-m", "healthmon.demo.agent", str(source), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops this in good order
            )

    def require_running(self) -> None:
        """Raise HealthmonError with what it said when it ended by itself."""
        if self._process.poll() is not None:
            said = self._log.read_text(encoding="utf-8", errors="replace")[-TAIL_CHARS:].strip()
            raise HealthmonError(f"the demo's agent ended with exit code {self._process.returncode}: {said}")

    def stop(self) -> None:
        """Stop it with everything that it runs."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its programs are told by the kernel
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def main(source: Path, demo: int) -> int:
    """Be the agent of the demo whose pid is `demo`."""
    die_with(demo)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        config = configuration.load(source)
        return supervision.run(source, introduce=lambda _config: None, watched=demo_programs(config), main=service.main)
    except HealthmonError as error:
        print(error, file=sys.stderr)  # noqa: T201  the demo shows it
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
