"""What fault rows start besides agents is gone afterwards, also when the test was killed in the middle of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.containers import wait_for
from tests.faults import private_engine
from tests.faults.harness import TOP, CannotRunError

KILLED = """
import os, signal
from tests.containers import Docker
from tests.faults.private_engine import PrivateEngine
engine = PrivateEngine()
Docker(engine.host).run("sleep", "1000")
print(engine.socket.parent, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_of_an_engine_whose_test_was_killed() -> None:
    try:
        private_engine.require_means()
    except CannotRunError as error:
        pytest.skip(str(error))
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=TOP, env={**os.environ, "PYTHONPATH": str(TOP)}, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    folder = Path(done.stdout.strip())
    wait_for(lambda: not folder.exists(), timeout_s=30, what="the janitor")
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    assert [process for process in psutil.process_iter(["cmdline"]) if f"{folder}/" in " ".join(process.info["cmdline"] or [])] == []
