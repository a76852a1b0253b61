"""What is found out about this host itself, with real processes, files and file systems."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from healthmon.model.check import CheckReason, Outcome
from healthmon.probes import make
from healthmon.probes.settings import ProbeSettings
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.probes.base import Probe

NAME = "hm-napper"


def probe(**process: Any) -> Probe:
    return make(ProbeSettings.model_validate({"type": "process", "process": process}))


def host(**limits: Any) -> Outcome:
    return make(ProbeSettings.model_validate({"type": "host", "host": limits})).ask()


@pytest.fixture
def napper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a name of its own."""
    program = Path(shutil.copy("/bin/sleep", tmp_path / NAME))
    process = subprocess.Popen([program, "100"])
    wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text() == f"{NAME}\n", what="it to run under its name")
    yield process
    process.kill()
    process.wait()


def values(found: Outcome) -> dict[str, float]:
    return {one.label: one.value for one in found.performance}


def test_a_process_is_found_by_its_name_with_what_it_uses(napper: subprocess.Popen[bytes]) -> None:
    found = probe(name=NAME).ask()
    assert found.reason is CheckReason.OK
    assert (values(found)["processes"], 0 < values(found)["memory"] < 50) == (1, True)
    napper.kill()  # and nobody waits for it: what is left of it is none
    wait_for(lambda: probe(name=NAME).ask().reason is CheckReason.PROCESS, what="it to be missed")
    assert probe(name=NAME).ask().error_message == f"no process {NAME} runs"


def test_one_that_uses_too_much_is_ill(napper: subprocess.Popen[bytes]) -> None:
    found = probe(name=NAME, max_memory_mb=0.01).ask()
    assert found.reason is CheckReason.LIMIT
    assert (found.error_message or "").startswith("memory ")
    assert (found.error_message or "").endswith(" MB > 0.01 MB")
    assert napper.poll() is None


def test_its_cpu_is_that_from_look_to_look(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        path = tmp_path / "its.pid"
        path.write_text(f"{busy.pid}\n")
        asked = probe(pid_file=str(path), max_cpu_percent=0.001)
        try:
            assert "cpu" not in values(asked.ask())
            wait_for(lambda: asked.ask().reason is CheckReason.LIMIT, what="its work to show")
        finally:
            busy.kill()


def test_a_pid_that_another_process_has_now_is_none(napper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    path = tmp_path / "its.pid"
    asked = probe(pid_file=str(path))
    assert asked.ask().error_message == f"{path} is not there"
    path.write_text(f"{napper.pid}\n")
    assert asked.ask().reason is CheckReason.OK
    os.utime(path, (1_000_000_000, 1_000_000_000))  # written long before this process began
    assert asked.ask().error_message == f"the process of {path} does not run: pid {napper.pid} is another's now"
    for text in ("", "none", "-1", "99999999999999999999999"):
        path.write_text(text)
        assert asked.ask().reason is CheckReason.PROCESS


def test_a_host_is_measured_and_held_to_its_limits() -> None:
    found = host(path="/")
    assert found.reason is CheckReason.OK
    assert {"disk", "memory", "load_per_core"} <= values(found).keys()
    assert all(0 <= values(found)[name] <= 100 for name in ("disk", "memory"))
    df = subprocess.run(["df", "--output=pcent", "/"], capture_output=True, text=True, check=True).stdout.split()[-1]
    assert abs(values(found)["disk"] - float(df.rstrip("%"))) <= 1.1  # df rounds up
    found = host(max_disk_percent=0.001, max_memory_percent=0.001)
    assert found.reason is CheckReason.LIMIT
    assert [part.split()[0] for part in (found.error_message or "").split(", ")] == ["disk", "memory"]
    assert host(path="/nowhere/at-all").error_message == "/nowhere/at-all cannot be looked at: No such file or directory"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"type": "process"}, "Field required"),
        ({"type": "process", "process": {}}, "one of them"),
        ({"type": "process", "process": {"name": "a", "pid_file": "/b"}}, "one of them"),
        ({"type": "process", "process": {"pid_file": "b"}}, "must be a full path"),
        ({"url": "http://localhost/", "process": {"name": "a"}}, "where type is process"),
        ({"url": "http://localhost/", "host": {"path": "/var"}}, "where type is host"),
        ({"type": "host", "host": {"max_disk_percent": 101}}, "less than or equal to 100"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ProbeSettings.model_validate(settings)
