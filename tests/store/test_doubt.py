"""What a failing disk says is not the last word: opened anew, checked, and only then believed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import apsw
import pytest

from healthmon import clock
from healthmon.errors import StoreDamagedError, StoreReplacedError, StoreUnavailableError
from healthmon.store import checks, facts, services, trust
from healthmon.store.opening import create_or_open, open_for_reading, open_for_writing
from tests.builders import NOW, a_check, ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    """A database with nothing in its -wal, and no page of it in memory."""
    path = tmp_path / "health_monitoring.db"
    made = create_or_open(path)
    services.sync(made, [("doc_store", "core", True)], now=NOW)
    checks.append(made, [a_check(at=ago(second)) for second in range(500)])
    made.close()
    opened = open_for_writing(path)
    yield opened
    opened.close()


def read(database: Connection) -> int:
    return len(database.rows("SELECT timestamp, status FROM checks"))


def spoil(path: Path) -> bytes:
    """Overwrite the last half of the file, and return what was in it."""
    content = path.read_bytes()
    half = len(content) // 2
    with path.open("r+b") as file:
        file.seek(half)
        file.write(os.urandom(half))
    return content


def test_damage_that_a_fresh_connection_does_not_see_is_none(database: Connection) -> None:
    content = spoil(database.path)
    with pytest.raises(StoreUnavailableError, match="opened anew and checked before that is believed") as raised:
        read(database)
    assert not isinstance(raised.value, StoreDamagedError)
    database.path.write_bytes(content)
    assert read(database) == 500
    facts.note_time(database, "a", NOW)


def test_damage_is_believed_of_a_fresh_connection_and_looked_at_again_when_it_may_be_mended(
    database: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = spoil(database.path)
    with pytest.raises(StoreUnavailableError):
        read(database)
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match=r"\.recover") as raised:
            read(database)
        assert not raised.value.permanent
    database.path.write_bytes(content)
    with pytest.raises(StoreDamagedError):
        read(database)
    later = clock.monotonic() + trust.DAMAGE_BELIEVED_S + 1
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert read(database) == 500


def test_closing_a_damaged_database_does_not_write_it(database: Connection) -> None:
    facts.note_time(database, "a", NOW)  # so that there is something in the -wal
    spoil(database.path)
    spoilt = database.path.read_bytes()
    with pytest.raises(StoreUnavailableError):
        read(database)
    database.close()
    assert database.path.read_bytes() == spoilt


def test_a_connection_that_a_disk_failed_is_opened_anew_and_flushes_as_before(database: Connection) -> None:
    failed = database._db
    assert isinstance(database._trust.failed(apsw.IOError("disk I/O error")), StoreUnavailableError)
    with database.transaction(durable=False):
        facts.note_time(database, "a", NOW)
    assert database._db is not failed
    assert facts.noted_time(database, "a") == NOW
    with database.transaction(durable=True):
        assert database.rows("PRAGMA synchronous") == [(2,)]


def test_what_follows_a_failure_inside_a_transaction_is_not_written_outside_of_it(database: Connection) -> None:
    def write_on() -> None:
        with database.transaction(durable=True):
            database._trust.failed(apsw.IOError("disk I/O error"))
            facts.note_time(database, "a", NOW)

    with pytest.raises(StoreUnavailableError, match="broken off"):
        write_on()
    assert facts.noted_time(database, "a") is None


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_file_beside_the_database_that_was_deleted_is_noticed_and_nothing_is_lost(database: Connection, suffix: str) -> None:
    facts.note_time(database, "a", NOW)
    database.path.with_name(database.path.name + suffix).unlink()
    with pytest.raises(StoreReplacedError, match=f"{suffix} was deleted or replaced while in use") as raised:
        facts.note_time(database, "b", NOW)
    assert raised.value.permanent
    again = open_for_writing(database.path)
    assert (facts.noted_time(again, "a"), facts.noted_time(again, "b")) == (NOW, None)
    facts.note_time(again, "b", NOW)
    database.close()
    assert facts.noted_time(again, "b") == NOW
    assert again.rows("PRAGMA integrity_check") == [("ok",)]
    again.close()


def test_a_reader_that_stays_while_the_agent_comes_and_goes_is_not_disturbed(database: Connection) -> None:
    reader = open_for_reading(database.path)
    database.close()
    writer = open_for_writing(database.path)
    facts.note_time(writer, "a", NOW)
    assert facts.noted_time(reader, "a") == NOW
    writer.close()
    assert facts.noted_time(reader, "a") == NOW
    reader.close()


def test_a_database_that_took_the_place_of_another_is_not_mixed_with_its_wal(database: Connection, tmp_path: Path) -> None:
    other = create_or_open(tmp_path / "other.db")
    other.close()
    facts.note_time(database, "a", NOW)
    (tmp_path / "other.db").replace(database.path)
    with pytest.raises(StoreReplacedError):
        read(database)
    new = open_for_writing(database.path)
    assert facts.noted_time(new, "a") is None
    facts.note_time(new, "b", NOW)
    database.close()
    assert facts.noted_time(new, "b") == NOW
    assert (tmp_path / "health_monitoring.db-wal.of-replaced").stat().st_size > 0
    new.close()
