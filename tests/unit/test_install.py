"""What `tools/install` decides and writes, as far as no machine has to be changed for it. The rest is tried on a fresh one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import installation
from healthmon.config_source import place
from healthmon.installation import Installation, stamp_of
from tests import needs

TOP = Path(__file__).parents[2]
sys.path.append(str(TOP / "tools"))

from installer import configuration, earlier, install, layout, machine  # type: ignore[import-not-found]  # noqa: E402  found by the path above

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALLED = Installation(
    version="0.1.0",
    stamp="0123456789ab",
    source="/home/user/project",
    prefix="/opt/llm-ecosystem",
    user="llm-ecosystem",
    docker="no",
    config="/etc/healthmon/health_monitoring_config.json",
    data_dir="/opt/llm-ecosystem/data",
    files=("/usr/local/bin/healthmon",),
)
UNITS = ("health-monitor.service", "health-monitor-healer.service")


def a_layout(**changes: Any) -> Any:
    facts = {"checkout": TOP, "prefix": Path("/opt/llm-ecosystem"), "user": "llm-ecosystem", "version": "0.1.0", "stamp": "0123456789ab"}
    return layout.Layout(**facts | changes)


def test_what_was_installed_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / installation.FILE_NAME).write_text(installation.text(INSTALLED))
    assert installation.read(tmp_path) == INSTALLED


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"version": "1"}'])
def test_what_says_nothing_of_an_installation_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / installation.FILE_NAME).write_text(text)
    assert installation.read(tmp_path) is None
    assert installation.read(tmp_path / "nowhere") is None


def test_a_checkout_has_another_stamp_when_what_is_installed_of_it_changes(tmp_path: Path) -> None:
    for name in installation.PACKAGED:
        path = tmp_path / name
        if "." in path.name:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        else:
            path.mkdir()
            (path / "a.py").write_text("x")
    before = stamp_of(tmp_path)
    (tmp_path / "healthmon" / "__pycache__").mkdir()
    (tmp_path / "healthmon" / "__pycache__" / "a.pyc").write_text("x")
    (tmp_path / "README.md").write_text("x")
    assert stamp_of(tmp_path) == before
    (tmp_path / "healthmon" / "a.py").write_text("y")
    assert stamp_of(tmp_path) != before


@pytest.mark.parametrize("text", ['{"services": []}', '\n// ours\n/* { */ {\n  "services": []\n}', '{"data_dir": "/elsewhere", "services": []}'])
def test_a_configuration_is_told_where_to_write_unless_it_says_so(text: str) -> None:
    told = configuration.with_data_dir(text, Path("/opt/x/data"), Path("c.json"))
    stripped = re.sub(r"//.*|/\*.*?\*/", "", told)
    assert json.loads(stripped) == {"data_dir": "/elsewhere" if "elsewhere" in text else "/opt/x/data", "services": []}


def test_what_is_no_json_is_left_to_a_person() -> None:
    with pytest.raises(machine.Trouble, match="write data_dir /opt/x/data into it yourself"):
        configuration.with_data_dir("services:\n  - name: x\n", Path("/opt/x/data"), Path("c.yaml"))


EARLIER_UNIT = """[Service]
WorkingDirectory={directory}
ExecStart=/usr/bin/python3 {directory}/scripts/monitoring/automated_health_monitoring.py --config config/custom.json
"""


def test_the_earlier_script_is_found_with_what_it_has(tmp_path: Path) -> None:
    unit = tmp_path / "health-monitor.service"
    assert earlier.find(unit, tmp_path) is None
    unit.write_text(EARLIER_UNIT.format(directory=tmp_path))
    found = earlier.find(unit, Path("/nowhere"))
    assert (found.directory, found.config, found.database) == (tmp_path, None, None)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "custom.json").write_text("{}")
    (tmp_path / "health_monitoring.db").write_text("")
    found = earlier.find(unit, Path("/nowhere"))
    assert (found.config, found.database) == (tmp_path / "config" / "custom.json", tmp_path / "health_monitoring.db")


@pytest.mark.parametrize("unit", UNITS)
def test_our_own_unit_is_not_taken_for_the_earlier_scripts(unit: str) -> None:
    assert earlier.find(TOP / "systemd" / unit, TOP) is None


def test_a_downgrade_is_refused_with_advice() -> None:
    install._refuse_downgrade(a_layout(), INSTALLED)
    install._refuse_downgrade(a_layout(version="0.10.0"), replace(INSTALLED, version="0.9.1"))
    with pytest.raises(machine.Trouble, match=r"(?s)healthmon 0\.2\.0 is installed .* this checkout is 0\.1\.0: .*before-0\.2\.0-.*--older"):
        install._refuse_downgrade(a_layout(), replace(INSTALLED, version="0.2.0"))


@pytest.mark.parametrize("name", sorted(path.name for path in (TOP / "systemd").iterdir()))
def test_every_shipped_file_follows_prefix_and_user(name: str) -> None:
    text = a_layout(prefix=Path("/srv/llm-ecosystem-hm"), user="hm").shipped(name)
    assert "/opt/llm-ecosystem" not in text
    assert "llm-ecosystem" not in text.replace("/srv/llm-ecosystem-hm", "")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_gives_no_rights_and_leaves_no_core(name: str) -> None:
    lines = a_layout().shipped(name).splitlines()
    assert {"User=llm-ecosystem", "NoNewPrivileges=yes", "LimitCORE=0", "CapabilityBoundingSet=", "UMask=0077"} <= set(lines)


def test_no_link_is_followed_in_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(machine.Trouble, match="is a symbolic link"):
        machine.Machine(dry_run=False).directory(tmp_path / "data", mode=0o750)


@pytest.mark.parametrize(("unit", "most"), [(UNITS[0], 20), (UNITS[1], 10)])
def test_a_unit_is_exposed_no_more_than_is_promised(unit: str, most: int) -> None:
    analyze = needs.program("systemd-analyze", package="systemd")
    command = [analyze, "security", "--offline=true", f"--threshold={most}", str(TOP / "systemd" / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    command = [str(TOP / "tools" / "install"), "--dry-run", "--no-docker", "--prefix", str(tmp_path / "there")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert f"would make a Python environment in {tmp_path}/there/versions/0.1.0-{stamp_of(TOP)}" in said
    assert "Nothing was changed: this was a dry run." in said
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_once_is_left_alone_the_second_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = machine.Machine(dry_run=False)
    path, link = tmp_path / "deep" / "file", tmp_path / "link"
    acts: list[Callable[[], Any]] = [lambda: made.link(link, path), lambda: made.remove(tmp_path / "nothing")]
    if os.geteuid() == 0:
        acts.append(lambda: made.file(path, "text", mode=0o640))
        acts.append(lambda: made.directory(tmp_path / "d", mode=0o750))
    for act in acts:
        act()
    first, _ = made.changes, capsys.readouterr()
    for act in acts:
        act()
    assert made.changes == first
    assert capsys.readouterr().out == ""


def test_where_nobody_can_be_asked_only_a_flag_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert machine.agree("May it?", flag="--yes", yes=True)
    with pytest.raises(machine.Trouble, match="say it with --yes"):
        machine.agree("May it?", flag="--yes", yes=None)


def test_an_installed_command_means_its_installation_wherever_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, installed = tmp_path / "config" / "c.json", tmp_path / "etc" / "c.json"
    for path in (here, installed):
        path.parent.mkdir()
        path.touch()
    monkeypatch.delenv("HEALTHMON_CONFIG", raising=False)
    monkeypatch.setattr(place, "PLACES", (here, installed))
    assert place.find(None) == here
    monkeypatch.setattr(installation, "own", lambda: INSTALLED)
    assert place.find(None) == installed
