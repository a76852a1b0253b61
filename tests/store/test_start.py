"""What lies where the database should be is looked at before anything is written, and what is missing is said once."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.errors import StoreDamagedError, StoreError
from healthmon.log import Log
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.paths import Paths
from healthmon.store import alerts, backup, checks, checkup, looks, sentinel, services, start, watermark
from healthmon.store.opening import open_for_working
from tests.builders import NOW, a_check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.store.connection import Connection


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(data_dir=tmp_path / "data", database=tmp_path / "data" / "health_monitoring.db")
    made.runtime.mkdir(parents=True)
    return made


def begin(paths: Paths) -> Connection:
    return start.begin(paths, Log("agent"))


def live(paths: Paths, *, looks: int = 3) -> None:
    """Be an agent for a while: store some checks, note how far they reach, and end in good order."""
    connection = begin(paths)
    services.sync(connection, [("doc_store", "core", True)], now=NOW)
    checks.append(connection, [a_check(at=NOW + timedelta(seconds=second)) for second in range(looks)])
    sentinel.Mark(paths).note(NOW + timedelta(seconds=looks - 1))
    connection.close()


def lost(paths: Paths) -> list[str]:
    """Begin, and return what is said of lost history, now and earlier."""
    connection = begin(paths)
    found = connection.rows("SELECT message FROM alerts WHERE alert_type = 'history_lost' ORDER BY triggered_at")
    connection.close()
    return [str(row[0]) for row in found]


def zero_header(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def spoil_pages(path: Path) -> None:
    overwrite(path, 4_096, os.urandom(path.stat().st_size - 4_096))


def overwrite(path: Path, at: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [zero_header, spoil_pages, halve])
def test_a_damaged_database_is_refused_and_not_changed(paths: Paths, damage: Callable[[Path], None]) -> None:
    live(paths)
    damage(paths.database)
    before = paths.database.read_bytes()
    with pytest.raises(StoreDamagedError, match="cannot be read as a database") as raised:
        begin(paths)
    assert "\n" not in str(raised.value)
    assert paths.database.read_bytes() == before


def test_an_emptied_database_is_no_first_run(paths: Paths) -> None:
    live(paths)
    os.truncate(paths.database, 0)
    with pytest.raises(StoreError, match=r"is empty, but held a history since .*delete the empty file to begin afresh"):
        begin(paths)
    assert paths.database.stat().st_size == 0
    paths.database.unlink()
    assert len(lost(paths)) == 1


def test_a_first_run_and_one_after_it_miss_nothing(paths: Paths) -> None:
    assert lost(paths) == []
    live(paths)
    assert lost(paths) == []


def test_a_deleted_database_is_a_new_one_and_said_once(paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    live(paths)
    paths.database.unlink()
    for _ in range(3):
        [message] = lost(paths)
        assert "a new one begins" in message
    assert sum("ALERT type=history_lost" in message for message in caplog.messages) == 1


def test_an_older_copy_is_said_to_lack_the_rest_once(paths: Paths) -> None:
    live(paths, looks=1)
    shutil.copy(paths.database, paths.data_dir / "copy")
    connection = begin(paths)
    checks.append(connection, [a_check(at=NOW + timedelta(hours=1))])
    sentinel.Mark(paths).note(NOW + timedelta(hours=1))
    connection.close()
    (paths.data_dir / "copy").replace(paths.database)
    for _ in range(2):
        [message] = lost(paths)
        assert "lacks the history from" in message


def test_what_was_told_before_a_crash_is_not_told_again(paths: Paths) -> None:
    live(paths)
    known = paths.sentinel.read_bytes()
    paths.database.unlink()
    assert len(lost(paths)) == 1
    paths.sentinel.write_bytes(known)
    assert len(lost(paths)) == 1


def test_another_database_path_was_never_there(paths: Paths) -> None:
    live(paths)
    assert lost(Paths(data_dir=paths.data_dir, database=paths.data_dir / "other.db")) == []


def test_the_wal_of_a_replaced_database_is_kept_out_of_the_new_one(paths: Paths, tmp_path: Path) -> None:
    """As after a crash: the -wal stays, and the database is another."""
    live(paths)
    shutil.copy(paths.database, paths.data_dir / "copy")
    connection = begin(paths)
    checks.append(connection, [a_check(at=NOW + timedelta(hours=1))])
    wal = paths.data_dir / "health_monitoring.db-wal"
    shutil.copy(wal, tmp_path / "left")
    connection.close()
    shutil.copy(tmp_path / "left", wal)
    (paths.data_dir / "copy").replace(paths.database)
    connection = begin(paths)
    assert looks.newest_at(connection) == NOW + timedelta(seconds=2)
    assert wal.with_name(wal.name + ".of-replaced").read_bytes() == (tmp_path / "left").read_bytes()
    connection.close()


def test_a_directory_that_was_copied_after_a_crash_keeps_its_wal(paths: Paths, tmp_path: Path) -> None:
    live(paths)
    connection = begin(paths)
    checks.append(connection, [a_check(at=NOW + timedelta(hours=1))])
    shutil.copytree(paths.data_dir, tmp_path / "copied")
    connection.close()
    copied = Paths(data_dir=tmp_path / "copied", database=tmp_path / "copied" / "health_monitoring.db")
    connection = begin(copied)
    assert looks.newest_at(connection) == NOW + timedelta(hours=1)
    connection.close()
    assert lost(copied) == []


def test_a_check_that_is_not_through_in_its_time_is_said_and_lets_it_start(
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    live(paths, looks=50)
    monkeypatch.setattr(checkup, "STEPS_BETWEEN_LOOKS", 1)
    monkeypatch.setattr(start, "CHECK_S", 0.0)
    begin(paths).close()
    assert "database_not_checked_whole" in caplog.messages[-1]


def test_an_alert_about_ourselves_fires_once_and_is_deleted_by_its_name(paths: Paths) -> None:
    connection = begin(paths)
    alert = Alert(service_id=None, alert_type="x", severity=AlertSeverity.INFO, message="m", triggered_at=NOW)
    assert [alerts.fire(connection, alert), alerts.fire(connection, alert)] == [True, False]
    assert connection.rows("SELECT service_name, status FROM alerts") == [("healthmon", "firing")]
    connection.change("DELETE FROM alerts WHERE service_name = 'healthmon'")
    assert connection.rows("SELECT count(*) FROM alert_log") == [(0,)]
    connection.close()


def test_a_backup_copied_over_the_database_is_not_mixed_with_what_was_in_use(paths: Paths, tmp_path: Path) -> None:
    """The document's restore: `cp` over the database, then a restart."""
    live(paths, looks=1)
    backup.copy(paths.database, tmp_path / "copy.db", limit_s=10)
    agent = open_for_working(paths.database)
    mark = watermark.new()
    watermark.remember(paths.marks, [mark])
    watermark.put(agent, mark)
    agent.rows("PRAGMA wal_checkpoint(PASSIVE)")
    checks.append(agent, [a_check(at=NOW + timedelta(seconds=second)) for second in range(10, 20)])
    subprocess.run(["cp", tmp_path / "copy.db", paths.database], check=True)
    agent.close()
    start.settle(paths, Log("agent"))
    connection = begin(paths)
    assert connection.rows("SELECT count(*) FROM checks") == [(1,)]
    assert connection.rows("PRAGMA integrity_check") == [("ok",)]
    connection.close()
    assert paths.database.with_name("health_monitoring.db-wal.of-replaced").exists()


def test_what_is_only_in_the_wal_is_kept_where_nobody_copied_anything(paths: Paths) -> None:
    live(paths, looks=1)
    agent = open_for_working(paths.database)
    mark = watermark.new()
    watermark.remember(paths.marks, [mark])
    watermark.put(agent, mark)
    agent.rows("PRAGMA wal_checkpoint(PASSIVE)")
    checks.append(agent, [a_check(at=NOW + timedelta(seconds=second)) for second in range(10, 20)])
    agent.close()
    start.settle(paths, Log("agent"))
    assert not paths.database.with_name("health_monitoring.db-wal").exists()
    connection = begin(paths)
    assert connection.rows("SELECT count(*) FROM checks") == [(11,)]
    connection.close()
