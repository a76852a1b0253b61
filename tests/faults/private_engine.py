"""How does a test get a Docker Engine of its own, that it may freeze, kill and start again?

dockerd and containerd run on directories, sockets and pids of their own; the host's engine is not touched. Whatever
becomes of the test, a janitor process, which waits for the end of its standard input, removes every trace.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from tests.containers import BUSYBOX, wait_for
from tests.faults.harness import TOP, CannotRunError

NEEDED = ("docker", "dockerd", "containerd", "runc")
END_S = 20.0


class PrivateEngine:
    """One engine. What runs in it has no network."""

    def __init__(self) -> None:
        require_means()
        self._folder = Path(tempfile.mkdtemp(prefix="hm-engine-"))
        self._janitor = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.private_engine", str(self._folder)],
            cwd=TOP,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.socket = self._folder / "d.sock"
        self.host = f"unix://{self.socket}"
        self._containerd = self._run("containerd", *self._containerd_options())
        wait_for(self._containerd_socket.exists, timeout_s=20, what="containerd")
        self._dockerd = self._containerd
        self.start()

    @property
    def pid(self) -> int:
        return self._dockerd.pid

    @property
    def _containerd_socket(self) -> Path:
        return self._folder / "c.sock"

    def _containerd_options(self) -> tuple[str, ...]:
        settings = self._folder / "containerd.toml"
        settings.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        root, state = self._folder / "containerd", self._folder / "containerd-state"
        return ("--config", str(settings), "--root", str(root), "--state", str(state), "--address", str(self._containerd_socket))

    def _run(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def begin(self, *, live_restore: bool = False) -> None:
        """Start dockerd, and do not wait until it answers."""
        settings = self._folder / "dockerd.json"
        settings.write_text("{}")
        self._dockerd = self._run(
            "dockerd",
            *("--config-file", str(settings), "--pidfile", str(self._folder / "d.pid"), "--host", self.host),
            *("--data-root", str(self._folder / "data"), "--exec-root", str(self._folder / "exec")),
            *("--containerd", str(self._containerd_socket), "--bridge=none", "--iptables=false", "--ip6tables=false"),
            *(("--live-restore",) if live_restore else ()),
        )

    def start(self, *, live_restore: bool = False) -> None:
        """Start dockerd; return when it answers."""
        self.begin(live_restore=live_restore)
        wait_for(self.answers, timeout_s=40, what="the private engine to answer")

    def answers(self) -> bool:
        environment = {**os.environ, "DOCKER_HOST": self.host}
        asked = subprocess.run(["docker", "version"], env=environment, capture_output=True, timeout=20, check=False)
        return asked.returncode == 0

    def freeze(self) -> None:
        self._dockerd.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._dockerd.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._dockerd.kill()
        self._dockerd.wait(END_S)

    def stop(self) -> None:
        self._dockerd.terminate()
        self._dockerd.wait(END_S)

    def close(self) -> None:
        """Remove it and everything in it; return when the janitor says so."""
        if self._janitor.stdin is not None:
            self._janitor.stdin.close()
        for process in (self._dockerd, self._containerd):
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        self._janitor.wait(2 * END_S)


def require_means() -> None:
    """Raise CannotRunError where no engine of our own can run."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing or not BUSYBOX.exists():
        raise CannotRunError(f"needs {', '.join(missing) or BUSYBOX}")
    if os.geteuid() != 0:
        raise CannotRunError("only root can run a Docker Engine")


@cache
def shared_engine() -> PrivateEngine:
    """Return the engine that all rows of a run share: it is started when first asked for."""
    engine = PrivateEngine()
    atexit.register(engine.close)
    return engine


def clean_up(folder: Path) -> None:
    """End every process that was started for `folder`, which they all name in their command lines, and remove it."""
    shims = [process for process in _of(folder) if "containerd-shim" in process.name()]
    contained = [child for shim in shims for child in shim.children(recursive=True)]
    _kill([*_of(folder), *contained])
    for point in sorted(_mounts_below(folder), reverse=True):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _of(folder: Path) -> list[psutil.Process]:
    """Return the processes with a word of their command below `folder`. Its name was made for this engine alone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if process.pid != os.getpid() and any(f"{folder}/" in word for word in words):
                found.append(process)
    return found


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=END_S)


def _mounts_below(folder: Path) -> list[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.startswith(f"{folder}/")]


def _watch(folder: Path) -> None:
    """Be the janitor: wait until nobody holds our input open, then clean up until nothing is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    deadline = time.monotonic() + END_S
    while folder.exists() and time.monotonic() < deadline:
        clean_up(folder)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]))
