"""A database that is older comes to the schema of a new one, whole or not at all, and there is a way back.

What the second version will change is not known yet, so one is made up here: a column, an index, and a table whose rows
are computed from the old ones.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import apsw
import pytest

from healthmon.errors import StoreError, UsageError
from healthmon.failpoints import ENVIRONMENT
from healthmon.log import Log
from healthmon.paths import Paths
from healthmon.store import checks, migrate, services, start
from healthmon.store.inspection import inspect
from healthmon.store.migrate import APPLICATION_ID, schema_sql, version_of
from healthmon.store.opening import create_or_open, open_for_reading, open_for_working, open_for_writing
from tests.builders import NOW, a_check

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.store.connection import Connection

LOOKS = 100
COLOUR = "ALTER TABLE services ADD COLUMN colour TEXT; CREATE INDEX by_colour ON services (colour);"
SHAPES = "CREATE TABLE shapes (service_id INTEGER PRIMARY KEY REFERENCES services, looks INTEGER NOT NULL) STRICT;"
STEPS = {
    2: f"{COLOUR}\n{SHAPES}\nINSERT INTO shapes SELECT service_id, count(*) FROM checks GROUP BY service_id;",
    3: "CREATE TABLE third (made TEXT) STRICT;",
    4: "CREATE TABLE half (made TEXT) STRICT; CREATE TABLE third (again TEXT) STRICT;",
}
LISTING = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """An agent of the first version has been here."""
    made = Paths(data_dir=tmp_path, database=tmp_path / "health_monitoring.db")
    made.runtime.mkdir()
    connection = begin(made)
    services.sync(connection, [("doc_store", "core", True)], now=NOW)
    checks.append(connection, [a_check() for _ in range(LOOKS)])
    connection.close()
    return made


def begin(paths: Paths) -> Connection:
    return start.begin(paths, Log("agent"))


def be(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """Be a healthmon whose schema has this version."""
    steps = "".join(STEPS[step] for step in range(2, version + 1))
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", version)
    monkeypatch.setattr(migrate, "schema_sql", lambda: schema_sql() + steps)
    monkeypatch.setattr(migrate, "migration_sql", STEPS.__getitem__)


def backups(paths: Paths) -> list[Path]:
    return sorted(paths.backups.glob("before-schema-*.db"))


def test_a_new_database_is_the_schema_file(tmp_path: Path) -> None:
    made, other = create_or_open(tmp_path / "health_monitoring.db"), apsw.Connection(str(tmp_path / "by-hand.db"))
    other.execute(schema_sql())
    assert made.rows(LISTING) == other.execute(LISTING).fetchall()
    made.close()
    other.close()


def test_every_version_between_the_first_and_the_present_has_its_step() -> None:
    """The schema of version 1 had no predecessor. From 2 on, each needs a file, which this opens."""
    for version in range(2, migrate.SCHEMA_VERSION + 1):
        assert migrate.migration_sql(version)


def test_an_older_database_is_backed_up_and_then_as_a_new_one_with_its_rows(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 2)
    connection = begin(paths)
    assert version_of(connection) == 2
    assert connection.row("SELECT looks FROM shapes") == (LOOKS,)
    assert connection.row("SELECT count(*), min(colour) FROM checks JOIN services USING (service_id)") == (LOOKS, None)
    upgraded = connection.rows(LISTING)
    connection.close()
    new = apsw.Connection(str(tmp_path / "new.db"))
    new.execute(schema_sql() + COLOUR + SHAPES)
    same = [(kind, name) for kind, name, _ in new.execute(LISTING).fetchall()]
    assert [(kind, name) for kind, name, _ in upgraded] == same
    new.close()
    [kept] = backups(paths)
    assert (inspect(kept, limit_s=10).schema, inspect(kept, limit_s=10).rows["checks"]) == (1, LOOKS)
    begin(paths).close()
    assert backups(paths) == [kept], "a start that changes nothing needs no way back"


def test_two_copies_of_before_are_kept(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.backups.mkdir()
    for name in ("before-schema-8-20260101T000000Z.db", "before-schema-9-20260101T000000Z.db"):
        (paths.backups / name).touch()
    os.utime(paths.backups / "before-schema-8-20260101T000000Z.db", (1, 1))
    be(monkeypatch, 2)
    begin(paths).close()
    assert [path.name.split("-")[2] for path in backups(paths)] == ["2", "9"]


def test_where_no_copy_can_be_made_nothing_is_changed(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 2)
    paths.backups.write_text("in the way")
    with pytest.raises(StoreError, match="backups"):
        begin(paths)
    be(monkeypatch, 1)
    begin(paths).close()


@pytest.mark.parametrize("open_it", [open_for_reading, open_for_writing, open_for_working])
def test_a_newer_command_leaves_the_database_of_an_older_agent_alone(paths: Paths, open_it: object, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 2)
    assert callable(open_it)
    with pytest.raises(UsageError, match=r"has schema 1, and this healthmon works with 2: start the agent anew"):
        open_it(paths.database)
    assert inspect(paths.database, limit_s=1).schema == 1


def test_an_older_version_refuses_with_advice_and_the_copy_of_before_is_the_way_back(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 2)
    begin(paths).close()
    before = paths.database.read_bytes()
    be(monkeypatch, 1)
    with pytest.raises(UsageError, match=r"has schema 2, this healthmon knows up to 1: .*`healthmon db restore` the newest before-schema-2-\*\.db"):
        begin(paths)
    assert paths.database.read_bytes() == before
    [kept] = backups(paths)
    kept.replace(paths.database)
    connection = begin(paths)
    assert connection.row("SELECT count(*) FROM checks") == (LOOKS,)
    connection.close()


def test_several_steps_are_one_transaction_and_one_that_fails_leaves_the_database_as_it_was(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 4)
    with pytest.raises((StoreError, apsw.Error)):
        begin(paths)
    be(monkeypatch, 1)
    connection = begin(paths)
    names = {row[0] for row in connection.rows("SELECT name FROM sqlite_schema")}
    assert names & {"by_colour", "shapes", "third", "half"} == set()
    connection.close()
    be(monkeypatch, 3)
    connection = begin(paths)
    assert version_of(connection) == 3
    connection.close()


@pytest.mark.parametrize("times", [1, 2])
def test_killed_after_a_step_it_is_taken_again_from_the_beginning(paths: Paths, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, 3)
    monkeypatch.setenv(ENVIRONMENT, f"migrate.stepped:{times}")
    pid = os.fork()
    if pid == 0:
        begin(paths)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    monkeypatch.delenv(ENVIRONMENT)
    assert inspect(paths.database, limit_s=1).schema == 1
    connection = begin(paths)
    assert (version_of(connection), connection.row("SELECT looks FROM shapes")) == (3, (LOOKS,))
    connection.close()


def test_somebody_elses_database_is_not_migrated(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    other = apsw.Connection(str(paths.database))
    other.execute("PRAGMA application_id = 7")
    other.close()
    be(monkeypatch, 2)
    with pytest.raises(UsageError, match="not a database of healthmon"):
        begin(paths)
    assert not paths.backups.exists()
    assert APPLICATION_ID != 7


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("ALTER TABLE services ADD COLUMN colour TEXT", "its table services is another"),
        ("ALTER TABLE services DROP COLUMN removed_at", "its table services is another"),
        ("DROP TABLE storms", "it has no table storms"),
        ("DROP VIEW service_status; CREATE VIEW service_status AS SELECT 1 AS service_name", "its view service_status is another"),
    ],
)
def test_one_with_our_number_and_other_tables_is_refused_before_anything_is_done(paths: Paths, edit: str, said: str) -> None:
    """Its number is ours, for schema.sql was edited in place then: without a look it would fail at the first statement that misses something."""
    other = apsw.Connection(str(paths.database))
    other.execute("PRAGMA legacy_alter_table = ON; PRAGMA writable_schema = ON")  # as one comes from a text, whatever refers to it
    other.execute(edit)
    other.close()
    before = paths.database.read_bytes()
    with pytest.raises(UsageError, match=rf"has schema 1 by its number, but {said}: .*`healthmon db import "):
        begin(paths)
    with pytest.raises(UsageError, match="before the first release"):
        inspect(paths.database, limit_s=1)
    assert paths.database.read_bytes() == before


def test_what_somebody_has_put_beside_our_tables_is_theirs(paths: Paths) -> None:
    other = apsw.Connection(str(paths.database))
    other.execute("CREATE TABLE notes (a); CREATE INDEX mine ON services (group_name); CREATE VIEW slow AS SELECT * FROM health_checks; ANALYZE")
    other.close()
    begin(paths).close()
