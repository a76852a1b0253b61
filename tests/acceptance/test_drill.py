"""Is an illness seen, told and healed? The drill as a person holds it: a real agent, beside whatever else runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from healthmon.drill.steps import TEXTS
from tests.containers import require_docker

TOP = Path(__file__).parents[2]


def drill(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "healthmon", "drill", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=150, env={**os.environ, "PYTHONPATH": str(TOP)})


def leftovers() -> list[str]:
    commands = (" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"]))  # none: it is gone, or a zombie
    return [command for command in commands if "healthmon-drill-" in command]


def test_all_steps_come_in_their_order_and_nothing_is_left() -> None:
    held = drill("--json")
    assert held.returncode == 0, held.stderr
    told = json.loads(held.stdout)
    assert told["complete"]
    assert [one["step"] for one in told["steps"]] == list(TEXTS)
    after = {one["step"]: one["after_seconds"] for one in told["steps"]}
    chain = ["failed", "confirmed", "restart", "restarted", "verified"]
    assert [after[step] for step in chain] == sorted(after[step] for step in chain)
    assert 0 <= after["failed"] < after["message"] < after["all_clear"] < 60
    assert "nothing of yours is touched" in held.stderr
    assert leftovers() == []


def test_what_does_not_come_in_time_is_told_with_its_logs(tmp_path: Path) -> None:
    held = drill("--timeout", "1", "--data-dir", str(tmp_path / "kept"))
    assert held.returncode == 1
    assert "not yet" in held.stdout
    assert f"not all steps came within 1 s: its logs are in {tmp_path / 'kept'}" in held.stderr
    assert (tmp_path / "kept" / "logs" / "evaluator.log").exists()
    again = drill("--data-dir", str(tmp_path / "kept"))
    assert (again.returncode, again.stdout) == (2, "")
    assert "is not empty" in again.stderr


def test_a_container_of_its_own_is_healed_by_the_engine(tmp_path: Path) -> None:
    require_docker()
    held = drill("--docker", "--data-dir", str(tmp_path / "d"))
    assert held.returncode == 0, held.stderr
    left = subprocess.run(["docker", "ps", "--all", "--quiet", "--filter", "name=healthmon-demo-.*-drill-1"], capture_output=True, text=True, check=True)
    assert left.stdout == ""


@pytest.mark.parametrize("word", ["--timeout=0", "--nonsense"])
def test_what_it_does_not_understand_is_one_clear_error(word: str) -> None:
    held = drill(word)
    assert (held.returncode, held.stdout) == (2, "")
