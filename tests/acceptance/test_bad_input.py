"""What a person gets wrong: one clear error each, exit code 2, nothing started, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from healthmon.store.opening import create_or_open

TOP = Path(__file__).parents[2]
SERVICE = {"name": "doc_store", "url": "http://127.0.0.1:1/health"}


def healthmon(directory: Path, *words: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "HEALTHMON_CONFIG"}
    return subprocess.run(
        [*prefix, sys.executable, "-P", "-m", "healthmon", *words],
        cwd=directory,
        env={**environment, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def write(directory: Path, text: str | dict[str, Any]) -> Path:
    path = directory / "config.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text, indent=2))
    return path


CONFIGURATIONS: list[tuple[str, str | dict[str, Any], str]] = [
    (
        "wrong type",
        {"services": [SERVICE | {"interval_seconds": "30"}]},
        "config.json:6:27: services[0].interval_seconds: must be a number, not the text '30'",
    ),
    (
        "unknown key",
        {"services": [SERVICE], "timeot_seconds": 3},
        "unknown key 'timeot_seconds'; did you mean 'timeout_seconds'?",
    ),
    ("duplicate name", {"services": [SERVICE, SERVICE]}, "services[1].name: "),
    (
        "dependency cycle",
        {"services": [SERVICE | {"depends_on": ["b"]}, SERVICE | {"name": "b", "depends_on": ["doc_store"]}]},
        "doc_store → b → doc_store",
    ),
    ("unknown dependency", {"services": [SERVICE | {"depends_on": ["doc_stor"]}]}, "did you mean 'doc_store'?"),
    ("no services", {"services": []}, "services: "),
    ("not JSON", '{"services": [}', "config.json:1:15: "),
    ("empty file", "", "config.json"),
]


@pytest.mark.parametrize("verb", ["run", "once", "validate"])
@pytest.mark.parametrize(("text", "error"), [case[1:] for case in CONFIGURATIONS], ids=[case[0] for case in CONFIGURATIONS])
def test_a_configuration_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path,
    text: str | dict[str, Any],
    error: str,
    verb: str,
) -> None:
    path = write(tmp_path, text)
    done = healthmon(tmp_path, "--config", str(path), verb)
    assert done.returncode == 2
    assert error in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == [path]


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"services": [SERVICE | {"critical": "yes", "depends_on": ["x"]}], "log_level": "LOUD"})
    lines = healthmon(tmp_path, "--config", str(path), "validate").stderr.splitlines()
    assert sum("config.json:" in line for line in lines) == 3


@pytest.mark.parametrize("words", [("--config", "none.json", "run"), ("run",), ("status",), ("--report",)])
def test_a_configuration_that_is_not_there_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = healthmon(tmp_path, *words)
    assert done.returncode == 2
    assert "none.json" in done.stderr or "health_monitoring_config.json" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "once"])
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, verb: str) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o500)
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(data)})
    # As root, a directory is closed only to who gave up the right to override its mode.
    prefix = ("setpriv", "--bounding-set", "-dac_override") if os.geteuid() == 0 else ()
    done = healthmon(tmp_path, "--config", str(path), verb, prefix=prefix)
    assert done.returncode == 2
    assert str(data) in done.stderr
    assert "Traceback" not in done.stderr
    assert list(data.iterdir()) == []


# As root, a directory is closed only to who gave up the right to override its mode.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def test_a_configuration_in_an_unreadable_directory_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "config"
    closed.mkdir(mode=0)
    for words in (("status",), ("--config", str(closed / "c.json"), "run")):
        done = healthmon(tmp_path, *words, prefix=UNPRIVILEGED)
        assert done.returncode == 2
        assert done.stderr.startswith("healthmon: cannot look for the configuration")
        said = [line for line in done.stderr.splitlines() if "sudo healthmon" not in line]  # who is not root is told that line, too
        assert len(said) == 1


@pytest.mark.parametrize("verb", ["run", "once", "status", "report", "programs", "validate"])
def test_a_working_directory_that_is_not_utf8_is_refused(tmp_path: Path, verb: str) -> None:
    directory = tmp_path / os.fsdecode(b"d\xff")
    directory.mkdir()
    path = write(directory, {"services": [SERVICE]})
    done = healthmon(directory, "--config", str(path), verb)
    assert done.returncode == 2
    assert "is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(directory.iterdir()) == [path]


@pytest.mark.parametrize("verb", ["report", "dashboard", "status", "validate"])
def test_output_that_cannot_be_written_is_one_clear_error(tmp_path: Path, verb: str) -> None:
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(tmp_path)})
    create_or_open(tmp_path / "health_monitoring.db").close()
    shell = ("sh", "-c", 'exec "$@" >/dev/full', "sh")
    done = healthmon(tmp_path, "--config", str(path), verb, prefix=shell)
    assert done.returncode == 3
    assert "healthmon: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_any_other_trouble_with_a_file_is_one_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(tmp_path)})
    (tmp_path / ".healthmon" / "programs" / "evaluator.conf").mkdir(parents=True)
    done = healthmon(tmp_path, "--config", str(path), "programs")
    assert done.returncode == 3
    assert "evaluator.conf" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_its_standard_streams_closed_no_file_takes_their_place(tmp_path: Path) -> None:
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(tmp_path)})
    shell = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
    assert healthmon(tmp_path, "--config", str(path), "once", prefix=shell).returncode == 1
    assert (tmp_path / "health_monitoring.db").read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("verb", ["run", "programs"])
@pytest.mark.parametrize(
    "text",
    [
        "[supervisord]\n[program:mine]\ncommand = touch started\n",
        "[supervisord]\n[unix_http_server]\nfile = .healthmon/supervisor.sock\n[include]\nfiles = conf.d/*.conf\n",
        "[supervisord]\n[unix_http_server]\nfile = /tmp/other.sock\n[include]\nfiles = .healthmon/programs/*.conf\n",
        "no sections at all",
        "[include]\nfiles = %(ENV_NO_SUCH)s\n",
    ],
)
def test_a_supervisord_conf_of_somebody_else_is_refused_and_not_run(tmp_path: Path, text: str, verb: str) -> None:
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(tmp_path)})
    conf = tmp_path / "supervisord.conf"
    conf.write_text(text)
    done = healthmon(tmp_path, "--config", str(path), verb)
    assert done.returncode == 2
    assert f"{conf} is not healthmon's" in done.stderr
    assert "move it away" in done.stderr
    assert not (tmp_path / "health_monitoring.db").exists()
    assert not (tmp_path / "started").exists()
    assert conf.read_text() == text


@pytest.mark.parametrize("verb", ["run", "once", "status", "report", "dashboard"])
def test_a_database_of_a_newer_schema_is_refused_and_kept(tmp_path: Path, verb: str) -> None:
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(tmp_path)})
    database = create_or_open(tmp_path / "health_monitoring.db")
    database.rows("PRAGMA user_version = 99")
    database.close()
    before = (tmp_path / "health_monitoring.db").read_bytes()
    done = healthmon(tmp_path, "--config", str(path), verb)
    assert done.returncode == 2
    assert "written by a newer version" in done.stderr
    assert (tmp_path / "health_monitoring.db").read_bytes() == before


@pytest.mark.parametrize("verb", ["status", "report", "dashboard"])
def test_reading_commands_never_make_a_database(tmp_path: Path, verb: str) -> None:
    path = write(tmp_path, {"services": [SERVICE], "data_dir": str(tmp_path)})
    done = healthmon(tmp_path, "--config", str(path), verb)
    assert done.returncode == 2
    assert "healthmon once" in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_service_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, {"services": [SERVICE]})
    done = healthmon(tmp_path, "--config", str(path), "probe", "docstore")
    assert (done.returncode, "did you mean 'doc_store'?" in done.stderr) == (2, True)


def test_two_verbs_at_once_are_refused(tmp_path: Path) -> None:
    done = healthmon(tmp_path, "--once", "status")
    assert done.returncode == 2
    assert "two things" in done.stderr


@pytest.mark.parametrize("words", [("fly",), ("--fly",), ("probe",)])
def test_a_command_line_that_means_nothing_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = healthmon(tmp_path, *words)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
