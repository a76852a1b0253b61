"""`healthmon db`, typed as an operator does: backup, restore, import, check, prune, vacuum, stats."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.processes.roles import try_lock
from healthmon.store import checks, services
from healthmon.store.opening import create_or_open, open_for_reading
from tests.builders import a_check
from tests.typing_commands import Told, type_command

if TYPE_CHECKING:
    from pathlib import Path


class User:
    """Somebody with a database that has some checks in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = directory / "health_monitoring.db"
        source = directory / "config.json"
        source.write_text(json.dumps({"services": [{"name": "interpreter", "url": "http://localhost:1/"}]}))

    def has_checks(self, *ages: timedelta) -> None:
        connection = create_or_open(self.database)
        services.sync(connection, [("interpreter", "default", False)], now=datetime.now(UTC))
        checks.append(connection, [a_check(at=datetime.now(UTC) - age) for age in ages])
        connection.change("DELETE FROM inbox")
        connection.close()

    def types(self, *words: str, answers: str = "") -> Told:
        return type_command(self.directory, "--config", "config.json", "db", *words, answers=answers)

    def count(self, table: str = "health_checks", database: Path | None = None) -> int:
        connection = open_for_reading(database or self.database)
        found = connection.row(f"SELECT count(*) FROM {table}")
        connection.close()
        assert found is not None
        return int(str(found[0]))


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_backup_holds_the_history_and_is_for_its_owner_alone(user: User) -> None:
    user.has_checks(MINUTE, 2 * MINUTE)
    told = user.types("backup")
    assert (told.returncode, told.stderr.count("\n")) == (0, 1), told.stderr
    [copy] = (user.directory / "backups").iterdir()
    assert "2 checks until" in told.stdout
    assert "is whole" in told.stdout
    assert copy.stat().st_mode & 0o777 == 0o600
    assert user.count(database=copy) == 2
    again = user.types("backup", str(copy))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_a_restore_brings_the_backup_back_and_keeps_what_was_there(user: User) -> None:
    user.has_checks(2 * MINUTE)
    assert user.types("backup", "good.db").returncode == 0
    user.has_checks(MINUTE)
    told = user.types("restore", "good.db")
    assert told.returncode == 0, told.stderr
    assert user.count() == 1
    [kept] = user.directory.glob("health_monitoring.db.before-*")
    assert str(kept) in told.stdout
    assert user.count(database=kept) == 2


def test_a_restore_beside_an_agent_is_refused(user: User) -> None:
    user.has_checks(MINUTE)
    assert user.types("backup", "good.db").returncode == 0
    (user.directory / ".healthmon" / "locks").mkdir(parents=True, exist_ok=True)
    lock = try_lock(user.directory / ".healthmon" / "locks" / "agent.lock")
    assert lock is not None
    told = user.types("restore", "good.db")
    os.close(lock)
    assert (told.returncode, told.stdout) == (2, "")
    assert "stop it first" in told.stderr
    assert user.count() == 1


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [(b"", 2, "not a database of healthmon"), (b"not SQLite at all" * 100, 3, "cannot be read as a database"), (None, 3, "there is no file")],
)
def test_what_is_no_backup_is_not_restored(user: User, content: bytes | None, code: int, said: str) -> None:
    user.has_checks(MINUTE)
    if content is not None:
        (user.directory / "bad.db").write_bytes(content)
    told = user.types("restore", "bad.db")
    assert (told.returncode, told.stdout) == (code, "")
    assert said in told.stderr
    assert user.count() == 1


def test_a_damaged_backup_is_found(user: User) -> None:
    user.has_checks(*(MINUTE * number for number in range(1, 2_000)))
    assert user.types("backup").returncode == 0
    [copy] = (user.directory / "backups").iterdir()
    with copy.open("r+b") as file:
        file.seek(copy.stat().st_size // 2)
        file.write(b"\xff" * 8_192)
    checked = user.types("check", "--backups")
    assert checked.returncode == 3
    assert "all of it was read and is whole" in checked.stdout
    assert f"{copy} cannot be read as a database" in checked.stdout
    assert user.types("restore", str(copy)).returncode == 3


def test_prune_asks_and_deletes_what_is_older_than_it_is_kept(user: User) -> None:
    user.has_checks(DAY, 31 * DAY, 400 * DAY)
    shown = user.types("prune", "--dry-run")
    assert (shown.returncode, user.count()) == (0, 3)
    assert "checks                     2 older than" in shown.stdout
    assert user.types("prune", answers="n\n").returncode == 130
    assert user.count() == 3
    assert user.types("prune", answers="y\n").returncode == 0
    assert user.count() == 1
    assert user.types("prune", "--yes").returncode == 0


@pytest.mark.parametrize("words", [(), ("--full",)])
def test_vacuum_gives_room_back(user: User, words: tuple[str, ...]) -> None:
    user.has_checks(*(400 * DAY + MINUTE * number for number in range(5_000)))
    assert user.types("prune", "--yes").returncode == 0
    before = user.database.stat().st_size
    told = user.types("vacuum", *words)
    assert told.returncode == 0, told.stderr
    assert user.database.stat().st_size < before / 2
    assert user.types("check").returncode == 0


def test_stats_tells_rows_and_bytes(user: User) -> None:
    user.has_checks(*(MINUTE * number for number in range(1, 500)))
    told = user.types("stats")
    assert (told.returncode, "how fast it grows is known after two days" in told.stdout) == (0, True)
    document = json.loads(user.types("stats", "--json").stdout)
    [table] = [one for one in document["tables"] if one["table"] == "checks"]
    assert table["rows"] == 499
    assert sum(one["bytes"] for one in document["tables"]) <= document["bytes"]
    assert document["days_until_full"] is None


def test_without_a_database_each_says_so(user: User) -> None:
    for words in (("backup",), ("check",), ("prune", "--yes"), ("vacuum",), ("stats",)):
        told = user.types(*words)
        assert told.returncode in {2, 3}, words
        assert "there is no database at" in told.stderr, words
    assert not user.database.exists()


def earlier_database(path: Path) -> None:
    """As the user's document implies it: three plain tables."""
    with closing(sqlite3.connect(path)) as made, made:
        made.executescript("""
            CREATE TABLE health_checks (id INTEGER PRIMARY KEY AUTOINCREMENT, service_name TEXT, status TEXT, response_time REAL,
                                        status_code INTEGER, error_message TEXT, timestamp DATETIME DEFAULT CURRENT_TIMESTAMP);
            CREATE TABLE alerts (id INTEGER PRIMARY KEY AUTOINCREMENT, service_name TEXT, alert_type TEXT, severity TEXT, message TEXT,
                                 triggered_at DATETIME, resolved_at DATETIME, status TEXT);
            CREATE TABLE service_status (service_name TEXT PRIMARY KEY, current_status TEXT, last_healthy DATETIME,
                                         consecutive_failures INTEGER, uptime_percentage REAL, last_updated DATETIME);
            INSERT INTO health_checks (service_name, status, response_time, status_code, error_message, timestamp) VALUES
                ('interpreter', 'healthy', 0.25, 200, NULL, '2026-10-01 10:00:00'),
                ('interpreter', 'unhealthy', NULL, NULL, 'Connection refused', '2026-10-01T10:00:30.123456'),
                ('interpreter', 'healthy', 0.5, 200, NULL, '2026-10-01 10:01:00'),
                ('gone', 'unhealthy', 10.0, NULL, 'Timeout', '2026-10-01 10:00:00'),
                ('gone', 'healthy', 0.1, 200, NULL, 'yesterday');
            INSERT INTO alerts (service_name, alert_type, severity, message, triggered_at, resolved_at, status) VALUES
                ('interpreter', 'service_down', 'critical', 'down', '2026-10-01 10:00:30', NULL, 'active');
        """)


def test_an_earlier_database_is_taken_over_once_from_where_ours_belongs(user: User) -> None:
    earlier_database(user.database)
    assert user.types("check").returncode == 2
    told = user.types("import")
    assert told.returncode == 0, told.stderr
    assert "4 checks and 1 alerts of 2 services are new" in told.stdout
    assert "1 rows were left out" in told.stdout
    [kept] = user.directory.glob("health_monitoring.db.earlier-*")
    again = user.types("import", str(kept))
    assert "0 checks and 0 alerts of 2 services are new" in again.stdout
    connection = open_for_reading(user.database)
    rows = connection.rows("SELECT status, response_time, error_message, timestamp FROM health_checks WHERE service_name = 'interpreter' ORDER BY timestamp")
    hours = connection.rows("SELECT healthy_s, unhealthy_s FROM service_hours JOIN services USING (service_id) WHERE service_name = 'interpreter'")
    alert = connection.rows("SELECT service_name, alert_type, status FROM alerts")
    connection.close()
    assert rows == [
        ("healthy", 0.25, None, "2026-10-01 10:00:00.000"),
        ("unhealthy", None, "Connection refused", "2026-10-01 10:00:30.123"),
        ("healthy", 0.5, None, "2026-10-01 10:01:00.000"),
    ]
    assert [(round(healthy, 3), round(unhealthy, 3)) for healthy, unhealthy in hours] == [(30.123, 29.877)]  # type: ignore[arg-type]  # numbers
    assert alert == [("interpreter", "service_down", "resolved")]


def test_an_earlier_database_elsewhere_is_taken_over_with_its_time_zone(user: User) -> None:
    user.has_checks(MINUTE)
    earlier_database(user.directory / "old.db")
    told = user.types("import", "old.db", "--timezone", "Asia/Kolkata")
    assert told.returncode == 0, told.stderr
    connection = open_for_reading(user.database)
    assert connection.row("SELECT min(timestamp) FROM health_checks") == ("2026-10-01 04:30:00.000",)
    connection.close()
    assert user.types("import", "old.db", "--timezone", "Nowhere").returncode == 2
    assert user.types("import", str(user.directory / "config.json")).returncode in {2, 3}
    assert user.count() == 5


def test_an_earlier_database_is_taken_over_where_no_agent_has_run_yet(user: User) -> None:
    earlier_database(user.directory / "old.db")
    told = user.types("import", "old.db")
    assert told.returncode == 0, told.stderr
    assert user.count() > 0


def test_a_database_of_before_the_first_release_is_refused_and_its_history_taken_over(user: User) -> None:
    """Its schema has our number, and is not ours: each command says so, and what it says to do works."""
    user.has_checks(*(MINUTE * number for number in range(1, 4)))
    with closing(sqlite3.connect(user.database)) as older, older:
        older.execute("DROP TABLE storms")
    told = user.types("check")
    assert (told.returncode, "from before the first release" in told.stderr) == (2, True), told.stderr
    told = user.types("import")
    assert (told.returncode, "3 checks and 0 alerts of 1 services are new" in told.stdout) == (0, True), told.stdout + told.stderr
    assert user.count() == 3
    told = user.types("check")
    assert told.returncode == 0, told.stderr
    [kept] = user.directory.glob("health_monitoring.db.earlier-*Z")
    told = user.types("restore", str(kept))
    assert (told.returncode, "from before the first release" in told.stderr) == (2, True), "it was put in the place of ours"
