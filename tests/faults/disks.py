"""What do the rows of disks and databases share? A small disk to mount, a disk that fails on demand, what must hold after."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.containers import wait_for
from tests.faults.agents import Agent, held
from tests.faults.harness import CannotRunError
from tests.hostile import Server, answers

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

CONTROL = "well"  # answers all the time: whatever is said of it is our own fault
LOST = "SELECT service_name, severity, status, message FROM alerts WHERE alert_type = 'history_lost'"
MAX_GAP_S = 4.0  # between two looks at it, every second


class DiskAgent(Agent):
    """An agent whose stderr is kept beside its data, which may lie on a disk that takes nothing."""

    @property
    def said_file(self) -> Path:
        return self.paths.data_dir.with_name("said")

    def said(self) -> str:
        return self.said_file.read_text(errors="replace")


@contextmanager
def watching(*, tmpfs: str = "", fickle: bool = False, **settings: Any) -> Iterator[DiskAgent]:
    """Run an agent that watches a service which is well and one which is not, on a disk of its own with these options.

    A third one is `fickle` on demand: it changes often, and every change is flushed to the disk.
    """
    with ExitStack() as stack:
        outer = stack.enter_context(tempfile.TemporaryDirectory(prefix="hm-", ignore_cleanup_errors=True))
        server, other = stack.enter_context(Server(answers())), stack.enter_context(Server(alternating))
        data = Path(outer) / "data"
        data.mkdir()
        services = [
            {"name": CONTROL, "url": server.url, "group": "core"},
            {"name": "ill", "url": "http://127.0.0.1:1/", "group": "core"},
        ]
        services += [{"name": "fickle", "url": other.url, "group": "core"}] if fickle else []
        with _mounted(data, tmpfs):
            host = DiskAgent(data, services, **settings)
            with held(host):
                host.wait_for_checks(above=5)
                states = {CONTROL: "healthy", "ill": "unhealthy"}
                wait_for(lambda: states.items() <= host.statuses().items(), timeout_s=20, what="the states")
                yield host


def alternating(connection: socket.socket, server: Server) -> None:
    """Answer well three times, and then fail three times."""
    answers(status="200 OK" if len(server.requests) // 3 % 2 else "500 Internal Server Error")(connection, server)


@contextmanager
def _mounted(directory: Path, options: str) -> Iterator[None]:
    if not options:
        yield
        return
    if os.geteuid() != 0:
        raise CannotRunError("only root can mount a small disk")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "healthmon-test", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotRunError(f"cannot mount a small disk: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """Leave not one byte free on the disk of a directory."""
    ballast = directory / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            for size in (1 << 16, 1):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass
        assert os.statvfs(directory).f_bavail == 0, "the disk is not full"
        yield
    finally:
        ballast.unlink()


@contextmanager
def failing(pids: list[int], inject: str, trace: Path, *paths: Path) -> Iterator[None]:
    """Have calls of these processes fail, or take long, as `strace -e inject=` says; only those on `paths`, when given."""
    if shutil.which("strace") is None:
        raise CannotRunError("there is no strace")
    calls = inject.partition(":")[0]
    words = ["strace", "-f", "-y", "-o", str(trace), "-e", f"trace={calls},close", "-e", f"inject={inject}"]
    for path in paths:
        words += ["-P", str(path)]
    for pid in pids:
        words += ["-p", str(pid)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            wait_for(lambda: all(map(_is_traced, pids)) or tracer.poll() is not None, timeout_s=10, what="strace to attach")
            if tracer.poll() is not None:
                raise CannotRunError(f"strace cannot attach: {tracer.stderr.read().strip() if tracer.stderr else ''}")
            yield
        finally:
            tracer.terminate()
            tracer.wait(20)


def _is_traced(pid: int) -> bool:
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def assert_unharmed(host: DiskAgent, before: dict[str, int], *, may_miss_s: float = 0.0) -> None:
    """What must hold after every fault of the disk: nobody ended, nobody was accused, nothing was lost."""
    assert host.pids() == before, "a process was ended by it"
    assert_unaccused(host)
    assert widest_gap_s(host) <= MAX_GAP_S + may_miss_s, f"there are no looks for {widest_gap_s(host):.1f} s"
    for name in ("said", *before):
        text = host.said() if name == "said" else host.log(name)
        assert "Traceback" not in text, f"{name} has a traceback"
        assert "step_failed" not in text, f"{name} met a bug"
    wait_for(lambda: host.rows("SELECT count(*) FROM inbox")[0][0] < 10, timeout_s=20, what="the evaluator to follow")
    host.assert_sound()


def assert_unaccused(host: DiskAgent) -> None:
    wrong = [line for line in host.log("evaluator").splitlines() if f"service={CONTROL}" in line and "service_un" in line]
    assert not wrong, f"a healthy service was accused: {wrong[0]}"
    assert host.rows(f"SELECT count(*) FROM health_checks WHERE service_name = '{CONTROL}' AND status <> 'healthy'") == [(0,)]


def widest_gap_s(host: Agent) -> float:
    """Return the longest time without a look at the control service, in what is stored."""
    query = f"SELECT timestamp FROM health_checks WHERE service_name = '{CONTROL}' ORDER BY timestamp"
    times = [datetime.fromisoformat(str(row[0])) for row in host.rows(query)]
    assert len(times) > 1, "there are no looks at all"
    return max((later - earlier).total_seconds() for earlier, later in pairwise(times))


def newest_age_s(host: Agent) -> float:
    """Return how old the newest stored look is."""
    found = host.rows("SELECT (julianday('now') - julianday(max(timestamp))) * 86400 FROM health_checks")
    return float(found[0][0]) if found and found[0][0] is not None else float("inf")


def wait_until_current(host: Agent, *, timeout_s: float) -> None:
    """Wait until what was kept in memory is stored."""
    wait_for(lambda: newest_age_s(host) < MAX_GAP_S, timeout_s=timeout_s, what="what was kept to be stored")


def assert_starts_again(host: DiskAgent) -> None:
    host.start()
    host.wait_until_running()
    wait_until_current(host, timeout_s=20)
    assert_unaccused(host)
    host.assert_sound()


def beside(host: DiskAgent, suffix: str) -> Path:
    return host.paths.database.with_name(host.paths.database.name + suffix)
