"""What `healthmon doctor` finds, check by check, on files and programs of the test's own."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.doctor import files, service, surroundings, world
from healthmon.doctor.examination import Patient, examine
from healthmon.doctor.finding import Verdict
from healthmon.heal.docker_engine import DockerEngine
from healthmon.paths import Paths
from healthmon.store import channel_states
from healthmon.store.opening import create_or_open
from tests.builders import a_config, ago

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = {"name": "s", "url": "http://127.0.0.1:1/"}


def paths_in(directory: Path) -> Paths:
    return Paths(data_dir=directory, database=directory / "health_monitoring.db")


def say(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, str | None]) -> None:
    """Have commands answer what the test wants; the longest beginning that fits counts."""

    def said(*command: str) -> str | None:
        fitting = [begin for begin in answers if " ".join(command).startswith(begin)]
        return answers[max(fitting, key=len)] if fitting else None

    monkeypatch.setattr(surroundings, "said_by", said)
    monkeypatch.setattr(service, "said_by", said)


def verdicts(found: Any) -> list[Verdict]:
    return [finding.verdict for finding in found]


def test_our_sqlite_is_safe_and_an_old_shell_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {"sqlite3": "3.40.1 2022-12-28 14:03:47 df5c253c"})
    assert verdicts(surroundings.sqlite()) == [Verdict.FINE, Verdict.NOTE]
    say(monkeypatch, {"sqlite3": "3.53.4 2026-10-01"})
    assert verdicts(surroundings.sqlite()) == [Verdict.FINE]
    monkeypatch.setattr(surroundings, "sqlite_version", lambda: "3.40.1")
    [bad] = surroundings.sqlite()
    assert bad.verdict is Verdict.BAD
    assert "apsw" in bad.remedy


MOUNTS = """22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:35 / /srv/net rw,relatime - nfs4 server:/x rw
41 22 0:36 / /srv/net/local\\040disk rw,relatime - xfs /dev/vdb rw
42 22 0:37 / /run rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("directory", "kind", "verdict"),
    [
        ("/var/lib", "ext4", Verdict.FINE),
        ("/srv/net/hm", "nfs4", Verdict.BAD),
        ("/srv/net/local disk/hm", "xfs", Verdict.FINE),
        ("/srv/network", "ext4", Verdict.FINE),
        ("/run/hm", "tmpfs", Verdict.NOTE),
    ],
)
def test_a_database_on_a_network_file_system_is_bad(
    monkeypatch: pytest.MonkeyPatch,
    directory: str,
    kind: str,
    verdict: Verdict,
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: MOUNTS)
    monkeypatch.setattr(surroundings, "_existing", lambda path: path)
    assert surroundings.file_system_of(Path(directory)) == kind
    assert verdicts(surroundings.file_system(paths_in(Path(directory)))) == [verdict]


@pytest.mark.parametrize(("free", "verdict"), [(100 * 2**20, Verdict.BAD), (500 * 2**20, Verdict.NOTE), (5 * 2**30, Verdict.FINE)])
def test_a_disk_that_is_nearly_full_is_told_of_before_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict) -> None:
    usage = type("Usage", (), {"free": free, "total": 10 * 2**30})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert verdicts(surroundings.space(paths_in(tmp_path / "not" / "there"))) == [verdict]


@pytest.mark.parametrize(("said", "verdict"), [("yes", Verdict.FINE), ("no", Verdict.NOTE), (None, Verdict.UNKNOWN)])
def test_a_clock_that_nobody_sets_is_told_of(monkeypatch: pytest.MonkeyPatch, said: str | None, verdict: Verdict) -> None:
    say(monkeypatch, {"timedatectl": said})
    assert verdicts(surroundings.timekeeping()) == [verdict]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_accounts_is_found_with_the_command_that_gives_it_back(tmp_path: Path) -> None:
    assert verdicts(files.data(paths_in(tmp_path / "nowhere"))) == [Verdict.NOTE]
    (tmp_path / "health_monitoring.db-wal").touch()
    assert verdicts(files.data(paths_in(tmp_path))) == [Verdict.FINE]
    os.chown(tmp_path / "health_monitoring.db-wal", 12_345, 12_345)
    [bad] = files.data(paths_in(tmp_path))
    assert (bad.verdict, bad.remedy) == (Verdict.BAD, f"sudo chown -R root: {tmp_path}")


def test_what_others_may_read_or_write_is_found(tmp_path: Path) -> None:
    source = tmp_path / "c.json"
    for path, mode in ((source, 0o640), (tmp_path / "health_monitoring.db", 0o600)):
        path.touch()
        path.chmod(mode)
    tmp_path.chmod(0o755)
    assert verdicts(files.closed(paths_in(tmp_path), source)) == [Verdict.FINE]
    source.chmod(0o666)
    (tmp_path / "health_monitoring.db").chmod(0o644)
    found = files.closed(paths_in(tmp_path), source)
    assert [finding.remedy for finding in found] == [f"sudo chmod o-rwx {tmp_path}/health_monitoring.db", f"sudo chmod o-rwx {source}"]


@pytest.mark.parametrize(
    ("text", "mode", "verdict"),
    [
        ('{"password": "${cred:smtp}"}', 0o644, Verdict.FINE),
        ('{"password": "hunter2"}', 0o640, Verdict.NOTE),
        ('{"password" : "hunter2"}', 0o644, Verdict.BAD),
    ],
)
def test_a_secret_in_the_configuration_is_told_of_but_never_shown(tmp_path: Path, text: str, mode: int, verdict: Verdict) -> None:
    source = tmp_path / "c.json"
    source.write_text(text)
    source.chmod(mode)
    [found] = files.secrets(source)
    assert found.verdict is verdict
    assert "hunter2" not in str(found)


SHOW = "systemctl show health-monitor.service"
WELL = {f"{SHOW} --property=LoadState": "loaded", f"{SHOW} --property=ActiveState": "ActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\nNRestarts=0"}


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, [Verdict.FINE]),
        ({"ActiveState": "failed"}, [Verdict.BAD]),
        ({"UnitFileState": "disabled", "NeedDaemonReload": "yes"}, [Verdict.BAD, Verdict.BAD]),
        ({"NRestarts": "3"}, [Verdict.NOTE]),
    ],
)
def test_the_unit_is_judged_by_what_systemd_says(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], wanted: list[Verdict]) -> None:
    key = f"{SHOW} --property=ActiveState"
    facts = dict(line.split("=") for line in WELL[key].splitlines()) | changed
    say(monkeypatch, WELL | {key: "\n".join(f"{name}={value}" for name, value in facts.items())})
    monkeypatch.setattr(Path, "is_dir", lambda _: True)
    assert verdicts(service.unit()) == wanted


@pytest.mark.parametrize(("score", "verdict"), [("1.7", Verdict.FINE), ("2.0", Verdict.FINE), ("9.2", Verdict.BAD)])
def test_a_sandbox_that_somebody_opened_is_found(monkeypatch: pytest.MonkeyPatch, score: str, verdict: Verdict) -> None:
    said = f"...\n→ Overall exposure level for health-monitor.service: {score} OK"
    say(monkeypatch, {f"{SHOW} --property=LoadState": "loaded", "systemd-analyze security": said})
    assert verdicts(service.exposure()) == [verdict]


def test_an_agent_that_does_not_run_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {})
    [bad] = service.agent(paths_in(tmp_path))
    assert (bad.verdict, bad.remedy) == (Verdict.BAD, "healthmon run")


def test_a_database_is_judged_by_what_it_is(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    assert verdicts(world.database(paths)) == [Verdict.NOTE]
    create_or_open(paths.database).close()
    assert verdicts(world.database(paths)) == [Verdict.FINE]
    with closing(sqlite3.connect(paths.database)) as other, other:
        other.execute("DROP TABLE storms")
    [found] = world.database(paths)
    assert (found.verdict, "it has no table storms" in found.what, found.remedy) == (Verdict.BAD, True, "healthmon db check")
    paths.database.write_bytes(b"not a database, and longer than its header would be" * 20)
    assert verdicts(world.database(paths)) == [Verdict.BAD]


def test_channels_are_judged_by_what_came_of_their_messages(tmp_path: Path) -> None:
    assert verdicts(world.channels(a_config(tmp_path, SERVICE))) == [Verdict.NOTE]
    slack = {"enabled": True, "webhook_url": "https://hooks.example.com/services/T/B/X"}
    config = a_config(tmp_path, SERVICE, alerting={"slack_notifications": slack, "apprise": ["json://localhost/x"]})
    assert verdicts(world.channels(config)) == [Verdict.NOTE]
    connection = create_or_open(config.paths.database)
    channel_states.works(connection, "slack", now=ago(60))
    channel_states.fails(connection, "apprise-1", error="500", now=ago(60))
    connection.close()
    assert [(one.verdict, one.what) for one in world.channels(config)] == [
        (Verdict.FINE, "slack delivers"),
        (Verdict.BAD, "apprise-1 does not deliver: 500"),
    ]


@pytest.mark.parametrize(
    ("holders", "verdict"),
    [([], Verdict.NOTE), (["healthmon: web (pid 7)"], Verdict.FINE), (["nginx (pid 7)"], Verdict.BAD)],
)
def test_who_holds_the_port_of_the_pages_is_named(tmp_path: Path, holders: list[str], verdict: Verdict) -> None:
    [found] = world.port(a_config(tmp_path, SERVICE), holders)
    assert found.verdict is verdict
    assert "nginx" in found.what or verdict is not Verdict.BAD


def test_without_docker_it_is_said_what_that_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "DockerEngine", lambda: DockerEngine(environment={"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"}))
    [found] = world.docker(a_config(tmp_path, SERVICE))
    assert found.verdict is Verdict.NOTE
    assert "tools/install" in found.remedy


def test_a_check_that_stumbles_hides_nothing_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> list[Any]:
        raise ValueError("no such thing")

    monkeypatch.setattr(surroundings, "sqlite", stumble)
    patient = Patient(paths=paths_in(tmp_path), source=None, config=None, problem="c.json:1:1: broken", holders=())
    found = examine(patient, security=True)
    assert found[0].what == "c.json:1:1: broken"
    assert [one.what for one in found if one.topic == "stumble"] == ["could not be examined: no such thing"]
    assert {"disk", "clock", "secrecy"} <= {one.topic for one in found}
