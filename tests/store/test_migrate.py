"""A database that is older comes to the schema of a new one, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import pytest

from healthmon.errors import StoreError, UsageError
from healthmon.store.connection import Connection, create_or_open
from healthmon.store.migrate import APPLICATION_ID, SCHEMA_VERSION, bring_up_to_date, schema_sql, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS = {
    SCHEMA_VERSION + 1: "ALTER TABLE services ADD COLUMN colour TEXT; CREATE INDEX by_colour ON services (colour);",
    SCHEMA_VERSION + 2: "CREATE TABLE shapes (shape TEXT) STRICT;",
    SCHEMA_VERSION + 3: "CREATE TABLE half (made TEXT) STRICT; CREATE TABLE shapes (again TEXT) STRICT;",
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    yield opened
    opened.close()


def tables(database: Connection) -> set[str]:
    return {str(row[0]) for row in database.rows("SELECT name FROM sqlite_schema")}


def test_a_new_database_is_the_schema_file(database: Connection, tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "by-hand.db"))
    other.execute(schema_sql())
    listing = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert database.rows(listing) == other.execute(listing).fetchall()
    other.close()


def test_every_version_between_the_first_and_the_present_has_its_step(database: Connection) -> None:
    """The schema of version 1 had no predecessor. From 2 on, each needs a file, which this opens."""
    database.rows("PRAGMA user_version = 1")
    bring_up_to_date(database)
    assert version_of(database) == SCHEMA_VERSION


def test_steps_are_taken_in_their_order_and_once(database: Connection) -> None:
    bring_up_to_date(database, to=SCHEMA_VERSION + 2, step=STEPS.__getitem__)
    assert tables(database) >= {"by_colour", "shapes"}
    assert version_of(database) == SCHEMA_VERSION + 2
    bring_up_to_date(database, to=SCHEMA_VERSION + 2, step=STEPS.__getitem__)


def test_a_step_that_fails_leaves_the_database_as_it_was(database: Connection) -> None:
    with pytest.raises((StoreError, apsw.Error)):
        bring_up_to_date(database, to=SCHEMA_VERSION + 3, step=STEPS.__getitem__)
    assert version_of(database) == SCHEMA_VERSION
    assert tables(database) & {"by_colour", "shapes", "half"} == set()


def test_somebody_elses_database_is_not_migrated(database: Connection) -> None:
    database.rows("PRAGMA application_id = 7")
    with pytest.raises(UsageError, match="not a database of healthmon"):
        bring_up_to_date(database, to=SCHEMA_VERSION + 1, step=STEPS.__getitem__)
    assert "by_colour" not in tables(database)
    assert APPLICATION_ID != 7
