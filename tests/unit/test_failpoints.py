"""A named point ends, or halts, exactly the process that a test means, and nothing without a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from healthmon.failpoints import ENVIRONMENT

TOP = Path(__file__).parents[2]
SCRIPT = "from healthmon.failpoints import reach\nfor number in range(4):\n    print(number, flush=True)\n    reach('a.point')\n"


def passing(wanted: str | None) -> subprocess.Popen[str]:
    """Start a process that says a number before each of the four times it passes `a.point`."""
    environment = {**os.environ, "PYTHONPATH": str(TOP)} | ({} if wanted is None else {ENVIRONMENT: wanted})
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True)


def lived_until(wanted: str | None) -> tuple[int, int]:
    """Return the last number that was said, and how the process ended."""
    with passing(wanted) as process:
        said, _ = process.communicate(timeout=20)
    return int(said.split()[-1]), process.returncode


@pytest.mark.parametrize(
    ("wanted", "last", "ended"),
    [
        (None, 3, 0),
        ("another.point", 3, 0),
        ("a.point.too", 3, 0),
        ("a.point:x", 3, 0),
        ("a.point", 0, -signal.SIGKILL),
        ("a.point:3", 2, -signal.SIGKILL),
        ("a.point:9", 3, 0),
    ],
)
def test_the_wanted_point_kills_at_the_wanted_time(wanted: str | None, last: int, ended: int) -> None:
    assert lived_until(wanted) == (last, ended)


def test_with_a_marker_only_the_first_process_is_killed(tmp_path: Path) -> None:
    wanted = f"a.point:2@{tmp_path}/marker"
    assert lived_until(wanted) == (1, -signal.SIGKILL)
    assert lived_until(wanted) == (3, 0)


def test_a_stopped_process_goes_on_where_it_was(tmp_path: Path) -> None:
    with passing(f"a.point:2!stop@{tmp_path}/marker") as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate(timeout=20)
    assert (said.split(), process.returncode) == (["0", "1", "2", "3"], 0)
