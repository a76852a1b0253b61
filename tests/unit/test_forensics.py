"""What of the evidence is kept: lines that are harmless, without secrets, and 256 KiB in all."""

from __future__ import annotations

import time
from typing import Any

import pytest

from healthmon import redaction
from healthmon.heal.docker_events import Event
from healthmon.heal.docker_forensics import events_part, health_part, processes_part, state_part, usage_part
from healthmon.heal.forensics import (
    MAX_BYTES,
    MAX_LINE_CHARS,
    MAX_PART_BYTES,
    checks_part,
    dependencies_part,
    fit,
    host_part,
    part,
    sampled_part,
)
from healthmon.model.check import CheckReason
from healthmon.model.container_dependency import ContainerDependency
from healthmon.model.host_pressure import HostPressure
from healthmon.model.usage import Usage
from healthmon.redaction import MASK
from tests.builders import NOW, a_check, ago, an_unhealthy_state

INSPECTED: dict[str, Any] = {
    "State": {
        "Status": "running",
        "Pid": 7,
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "StartedAt": "2026-11-22T10:00:00Z",
        "Health": {
            "Status": "unhealthy",
            "FailingStreak": 3,
            "Log": [{"Start": "2026-11-22T11:59:00.5Z", "ExitCode": 1, "Output": "no answer\n\nfrom port 80\n"}],
        },
    },
    "HostConfig": {"RestartPolicy": {"Name": "always"}, "Memory": 0},
    "Config": {"Image": "shop:1", "Env": ["DB_PASSWORD=hunter2-hunter2"]},
    "Image": "sha256:0123456789abcdef",
    "RestartCount": 4,
}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgres://app:hunter2-hunter2@db/shop", f"postgres://app:{MASK}@db/shop"),
        ("DB_PASSWORD=hunter2-hunter2 next", f"DB_PASSWORD={MASK} next"),
        ('{"api_key": "hunter2", "n": 1}', f'{{"api_key": "{MASK}", "n": 1}}'),
        ("mysqld --password hunter2 --port 1", f"mysqld --password {MASK} --port 1"),
        ("Authorization: Bearer abcdefgh.ijkl", f"Authorization: Bearer {MASK}"),
        ("the token was not accepted", "the token was not accepted"),
        ("connected to db:5432", "connected to db:5432"),
    ],
)
def test_what_looks_like_somebody_elses_secret_is_masked(said: str, shown: str) -> None:
    assert redaction.mask_guesses(said) == shown
    assert part("log", [said]).lines == (shown,)


@pytest.mark.parametrize("unit", ["-", "-a", "password=", "--token ", "://a:", "token   ", "\x1b]", "Bearer "])
def test_a_container_cannot_make_us_search_its_log_for_long(unit: str) -> None:
    line = (unit * 16_384)[:16_384]
    began_s = time.process_time()
    part("log", [line] * 200)
    assert time.process_time() - began_s < 1.5  # 0.2 s


def test_our_own_secret_is_masked_also_where_the_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_hidden", {"hunter2-hunter2"})
    [line] = part("log", ["x" * (MAX_LINE_CHARS - 5) + "hunter2-hunter2"]).lines
    assert "hunt" not in line
    assert part("log", [], problem="hunter2-hunter2").problem == MASK


def test_a_part_keeps_its_newest_lines_and_says_what_is_left_out() -> None:
    lines = [f"{number} " + "é" * (MAX_LINE_CHARS - 10) for number in range(100)]
    kept = part("log", ["\x1b[2J\x00evil", *lines])
    assert kept.lines[-1].startswith("99 ")
    assert sum(len(line.encode()) + 1 for line in kept.lines) <= MAX_PART_BYTES
    assert kept.problem == f"{101 - len(kept.lines)} older lines are left out"
    assert part("log", ["\x1b[2J\x00evil", " "]).lines == (" [2J evil",)


def test_all_parts_together_are_bounded_and_the_first_ones_whole() -> None:
    full = part("a", ["x" * 999] * 90)
    parts = fit([full, full, full, full])
    assert parts[0] == parts[1] == full
    assert sum(len(line.encode()) + 1 for one in parts for line in one.lines) <= MAX_BYTES
    assert "left out" in parts[-1].problem


def test_what_a_start_resets_is_told_and_the_environment_is_not() -> None:
    lines = state_part(INSPECTED).lines
    assert {"Status: running", "ExitCode: 0", "OOMKilled: False", "RestartCount: 4", "RestartPolicy: always", "MemoryLimit: none"} <= set(lines)
    assert "hunter2" not in "".join(lines)


def test_what_dockers_own_check_said_is_told_line_by_line() -> None:
    assert health_part(INSPECTED).lines == (
        "unhealthy, 3 failures in a row",
        "2026-11-22T11:59:00  exit code 1",
        "    no answer",
        "    from port 80",
    )
    assert health_part({"State": {}}).lines == ()


def test_processes_stand_in_columns_and_their_number_is_bounded() -> None:
    rows = [[str(number), "S", f"worker --token {number}-hunter2"] for number in range(150)]
    found = processes_part({"Titles": ["PID", "S", "COMMAND"], "Processes": rows})
    assert found.lines[0].startswith("PID  S  COMMAND")
    assert found.lines[1] == f"0    S  worker --token {MASK}"
    assert (len(found.lines), found.problem) == (101, "50 more are left out")


def test_events_checks_and_what_it_depends_on_are_lines_with_their_times() -> None:
    kill = Event(target_id="c", action="kill", signal=15, at=NOW, exit_code=None, key=("c", "kill", 1))
    die = Event(target_id="c", action="die", signal=0, at=NOW, exit_code=137, key=("c", "die", 1))
    assert events_part([kill, die]).lines == ("2026-11-22T12:00:00Z  kill signal 15", "2026-11-22T12:00:00Z  die exit code 137")
    look = a_check(CheckReason.STATUS, status_code=500, error_message="expected 200")
    assert checks_part([look]).lines == ("2026-11-22T12:00:00Z  scheduled  unhealthy  status  HTTP 500  10 ms  expected 200",)
    redis = ContainerDependency(service_id=1, name="redis", container="p-redis-1", watched_by=None, trouble="is paused", since=ago(60))
    told = dependencies_part({"db": an_unhealthy_state()}, [redis])
    assert told.lines == ("db: unhealthy since 2026-11-22T11:59:04Z", "container p-redis-1: is paused")


def test_what_nobody_knows_is_called_unknown() -> None:
    nothing = HostPressure(
        cpu_stalled_percent=None,
        memory_stalled_percent=None,
        io_stalled_percent=None,
        load_per_cpu=None,
        memory_available_percent=None,
        disk_free_percent=None,
        inodes_free_percent=None,
    )
    assert all(line.endswith("unknown") for line in host_part(nothing).lines)
    assert (usage_part(None).lines, usage_part(None).problem) == ((), "the engine has no numbers of it")
    assert sampled_part(None).lines == ()
    sampled = Usage(observed_at=NOW, memory_percent=80.04, cpu_percent=None)
    assert sampled_part(sampled).lines == ("2026-11-22T12:00:00Z  memory 80.0 %, CPU unknown",)
