"""What does watching cost? Memory of the whole process tree, and CPU per stored check, beside a control.

Each case runs healthmon and the control in turn on the same target; figures are medians over rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
GROUPS = 4
CASES = {"17 services every 30 s": (17, 30.0, 60.0), "1,000 services every 10 s": (1_000, 10.0, 30.0)}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One measured window. Memory in MiB, times in seconds."""

    pss_mib: float
    rss_mib: float
    processes: int
    threads: int
    cpu_s: float
    window_s: float
    checks: int

    @property
    def cpu_percent(self) -> float:
        return 100 * self.cpu_s / self.window_s

    @property
    def cpu_ms_per_check(self) -> float:
        return 1_000 * self.cpu_s / max(1, self.checks)


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Return the CPU that a tree and its ended children have used."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:2])
    return total + sum(psutil.Process(pid).cpu_times()[2:4])


def count_checks(database: Path) -> int:
    """Return how many checks are stored."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM health_checks").fetchone()[0])


def measure(pid: int, database: Path, *, settle_s: float, window_s: float) -> Figures:
    """Let a tree settle, then watch it for a window."""
    time.sleep(settle_s)
    cpu, checks, began = cpu_seconds(pid), count_checks(database), time.monotonic()
    time.sleep(window_s)
    processes = tree(pid)
    memory = [process.memory_full_info() for process in processes]
    return Figures(
        pss_mib=sum(one.pss for one in memory) / 2**20,
        rss_mib=sum(one.rss for one in memory) / 2**20,
        processes=len(processes),
        threads=sum(process.num_threads() for process in processes),
        cpu_s=cpu_seconds(pid) - cpu,
        window_s=time.monotonic() - began,
        checks=count_checks(database) - checks,
    )


@contextlib.contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command for as long as the block lasts."""
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]  # noqa: S603  our own words
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def configuration(directory: Path, base: str, count: int, interval_s: float) -> Path:
    """Write a configuration with `count` services in a few groups."""
    services = [{"name": f"s{n}", "url": f"{base}/s/{n}", "group": f"g{n % GROUPS}"} for n in range(count)]
    healing = {"enabled": True, "restart_unhealthy_services": True}
    path = directory / "health_monitoring_config.json"
    settings = {
        "check_interval_seconds": interval_s,
        "data_dir": str(directory),
        "services": services,
        "self_healing": healing,
    }
    path.write_text(json.dumps(settings))
    return path


def healthmon(base: str, count: int, interval_s: float, window_s: float) -> Figures:
    """Measure healthmon with everything on."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = configuration(directory, base, count, interval_s)
        command = [sys.executable, "-m", "healthmon", "--config", str(path), "run"]
        with running(command, stderr=subprocess.DEVNULL) as process:
            return measure(process.pid, directory / "health_monitoring.db", settle_s=interval_s + 5, window_s=window_s)


def control(base: str, count: int, interval_s: float, window_s: float) -> Figures:
    """Measure the control."""
    with tempfile.TemporaryDirectory() as name:
        database = Path(name) / "control.db"
        command = [sys.executable, str(HERE / "control.py"), base, str(count), str(interval_s), str(database)]
        with running(command) as process:
            return measure(process.pid, database, settle_s=interval_s + 5, window_s=window_s)


def row(name: str, rounds: list[Figures]) -> str:
    """Return one line of the table."""

    def of(attribute: str) -> float:
        return statistics.median(getattr(one, attribute) for one in rounds)

    cells = [f"{of('pss_mib'):8.1f}", f"{of('processes'):5.0f}", f"{of('threads'):5.0f}", f"{of('cpu_percent'):7.2f}"]
    return f"{name:<12}" + " ".join([*cells, f"{of('cpu_ms_per_check'):9.2f}", f"{of('checks'):8.0f}"])


def main() -> None:
    """Run the cases that were asked for, and print a table a case."""
    parser = argparse.ArgumentParser(prog="tools/bench footprint", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each case runs (default 1)")
    parser.add_argument("--only", type=int, metavar="N", help="the case with N services only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here as well")
    options = parser.parse_args()
    print(f"{platform.system()} {platform.release()}, {psutil.cpu_count()} cores, Python {platform.python_version()}")
    everything: dict[str, dict[str, list[dict[str, float]]]] = {}
    for case, (count, interval_s, window_s) in CASES.items():
        if options.only in {None, count}:
            found: dict[str, list[Figures]] = {"healthmon": [], "control": []}
            with running([sys.executable, str(HERE / "target.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as target:
                assert target.stdout is not None  # noqa: S101  it is a pipe
                base = f"http://127.0.0.1:{int(target.stdout.readline())}"
                for _ in range(options.rounds):
                    found["healthmon"].append(healthmon(base, count, interval_s, window_s))
                    found["control"].append(control(base, count, interval_s, window_s))
            show(case, found)
            everything[case] = {name: [asdict(one) for one in rounds] for name, rounds in found.items()}
    if options.json:
        options.json.write_text(json.dumps(everything, indent=2))


def show(case: str, found: dict[str, list[Figures]]) -> None:
    """Print one case."""
    print(f"\n{case}")
    print(f"{'':<12}{'PSS MiB':>8} procs thrds  CPU % ms/check   checks".replace("CPU %", "  CPU %"))
    for name, rounds in found.items():
        print(row(name, rounds))
    ours, theirs = found["healthmon"][-1], found["control"][-1]
    print(f"healthmon / control: memory {ours.pss_mib / theirs.pss_mib:.2f}, CPU a check {ours.cpu_ms_per_check / theirs.cpu_ms_per_check:.2f}")


if __name__ == "__main__":
    main()
