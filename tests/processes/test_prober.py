"""A prober at work: a real database, real servers, and steps until something holds."""

from __future__ import annotations

import logging
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from healthmon import clock
from healthmon.errors import StoreBusyError, StoreError, StoreReplacedError
from healthmon.log import Log
from healthmon.model.check import CheckKind, CheckReason, CheckStatus
from healthmon.model.performance import Performance
from healthmon.processes import prober
from healthmon.processes.directories import prepare_directories
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.prober import journal
from healthmon.processes.prober.journal import Journal
from healthmon.store import checks, performance_data, probe_requests, services
from healthmon.store.opening import create_or_open
from tests import hostile
from tests.builders import a_check, a_config
from tests.hostile import Server, answers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.model.check import Check
    from healthmon.store.connection import Connection


class Bench:
    """A prober of the group `default`, its database, and the evaluator's end of the doorbell."""

    def __init__(self, config: Config) -> None:
        prepare_directories(config.paths)
        self.config = config
        self.store = create_or_open(config.paths.database)
        wanted = [(service.name, service.group, service.critical) for service in config.services]
        known = services.sync(self.store, wanted, now=clock.now())
        self.ids = {name: service.service_id for name, service in known.items()}
        self.evaluator = Doorbell()
        self.evaluator.listen(config.paths.doorbell("evaluator"))
        self._bell = Doorbell()
        self._bell.listen(config.paths.doorbell("probe-default"))
        self.worker = prober.make(config, "default")(self._bell)

    def until(self, holds: Callable[[list[Check]], bool]) -> list[Check]:
        """Take steps, waiting as the loop does, until the checks in the database are as wanted."""
        give_up_at = time.monotonic() + 20
        while not holds(found := self.written()):
            assert time.monotonic() < give_up_at, found
            self._bell.wait(min(self.worker.step(), 1.0))
        return found

    def written(self) -> list[Check]:
        return [entry.check for entry in checks.read_inbox(self.store, limit=10_000) if entry.check is not None]

    def close(self) -> None:
        self.worker.close()
        self._bell.close()
        self.evaluator.close()
        self.store.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:  # pytest's own is too long for the path of a socket

        def begin(*members: dict[str, Any], **changes: Any) -> Bench:
            made.append(Bench(a_config(directory, *members, **changes)))
            return made[-1]

        yield begin
        for bench in made:
            bench.close()


def kinds(found: list[Check]) -> list[CheckKind]:
    return [check.kind for check in found]


def test_services_are_asked_on_schedule_and_the_answers_written(start: Callable[..., Bench]) -> None:
    with Server(answers()) as good, Server(answers(status="503 Down")) as bad:
        bench = start(
            {"name": "good", "url": good.url, "interval_seconds": 0.3, "timeout_seconds": 0.2},
            {"name": "bad", "url": bad.url, "confirmations": 0},
        )
        began = datetime.now(UTC)
        found = bench.until(lambda found: len(found) >= 5 and {check.service_id for check in found} == set(bench.ids.values()))
    by_name = {name: [check for check in found if check.service_id == bench.ids[name]] for name in bench.ids}
    assert {check.status for check in by_name["good"]} == {CheckStatus.HEALTHY}
    assert by_name["bad"][0].outcome.reason is CheckReason.STATUS
    assert by_name["bad"][0].outcome.status_code == 503
    assert all(check.checked_at >= began - timedelta(milliseconds=1) for check in found)


def test_a_failure_is_rechecked_and_written_at_once_and_the_evaluator_is_rung(start: Callable[..., Bench]) -> None:
    with Server(answers(status="503 Down")) as server:
        bench = start({"name": "ill", "url": server.url, "interval_seconds": 60.0, "confirmations": 2})
        found = bench.until(lambda found: len(found) >= 3)
        assert kinds(found) == [CheckKind.SCHEDULED, CheckKind.RECHECK, CheckKind.RECHECK]
        rung_at = time.monotonic()
        bench.evaluator.wait(5)
        assert time.monotonic() - rung_at < 1


def test_a_ring_brings_what_the_evaluator_asks_for(start: Callable[..., Bench]) -> None:
    with Server(answers()) as server:
        bench = start({"name": "healed", "url": server.url, "interval_seconds": 60.0})
        bench.until(lambda found: len(found) == 1)
        bench.worker.step()
        probe_requests.ask(bench.store, bench.ids["healed"], every_s=0.02, until=clock.now() + timedelta(minutes=1))
        found = bench.until(lambda found: len(found) >= 4)
        assert kinds(found)[1:] == [CheckKind.REQUESTED] * (len(found) - 1)
        probe_requests.withdraw(bench.store, bench.ids["healed"])
        while bench.worker._requested:  # type: ignore[attr-defined]
            bench.worker.step()


def test_a_service_that_hangs_does_not_delay_the_others_nor_the_stop(start: Callable[..., Bench]) -> None:
    with Server(hostile.is_silent) as silent, Server(answers()) as good:
        bench = start(
            {"name": "hangs", "url": silent.url, "interval_seconds": 60.0, "timeout_seconds": 60.0},
            {"name": "good", "url": good.url, "interval_seconds": 0.1, "timeout_seconds": 0.1},
        )
        found = bench.until(lambda found: len(found) >= 5)
        assert {check.service_id for check in found} == {bench.ids["good"]}
        stopping_at = time.monotonic()
        bench.worker.close()
        assert time.monotonic() - stopping_at < 1
        bench.worker = prober.make(bench.config, "default")(bench._bell)


def test_what_is_finished_is_written_when_it_stops(start: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prober, "FLUSH_S", 3_600.0)
    with Server(answers()) as server:
        bench = start({"name": "good", "url": server.url, "interval_seconds": 1.0, "timeout_seconds": 1.0})
        while not bench.worker._journal._kept:  # type: ignore[attr-defined]
            bench.worker.step()
        assert bench.written() == []
        bench.worker.close()
        assert len(bench.written()) >= 1
        bench.worker = prober.make(bench.config, "default")(bench._bell)


def test_changes_of_state_are_recorded_and_looks_are_not(start: Callable[..., Bench], caplog: pytest.LogCaptureFixture) -> None:
    healthy = False

    def changing(connection: socket.socket, server: Server) -> None:
        answers(status="200 OK" if healthy else "503 Down")(connection, server)

    with Server(changing) as server, caplog.at_level(logging.INFO, "healthmon"):
        bench = start({"name": "flaps", "url": server.url, "interval_seconds": 0.2, "timeout_seconds": 0.2})
        bench.until(lambda found: len(found) >= 4)
        healthy = True
        bench.until(lambda found: [check.status for check in found[-2:]] == [CheckStatus.HEALTHY] * 2)
    words = [message.split()[1] for message in caplog.messages]
    assert words == ["failing", "recovering"]
    assert "expected 200-299, got 503 Down" in caplog.messages[0]


def test_a_group_that_is_gone_has_nothing_to_ask(tmp_path: Path) -> None:
    config = a_config(tmp_path, {"name": "a", "url": "http://127.0.0.1:1/"})
    create_or_open(config.paths.database).close()
    bell = Doorbell()
    worker = prober.make(config, "none")(bell)
    assert worker.step() > 1
    worker.close()
    bell.close()


def test_a_service_that_is_new_is_asked_beside_the_others_and_entered_for_the_evaluator(start: Callable[..., Bench]) -> None:
    with Server(answers()) as server:
        bench = start({"name": "old", "url": server.url})
        bench.worker.close()
        more = a_config(bench.config.data_dir, *({"name": name, "url": server.url, "critical": True} for name in ("old", "new")))
        bench.worker = prober.make(more, "default")(bench._bell)
        assert list(services.by_name(bench.store)) == ["old"]  # the evaluator says when it is watched
        ids = set(services.ids(bench.store, []).values())
        assert len(ids) == 2
        bench.until(lambda found: {check.service_id for check in found} == ids)


def test_a_replaced_database_is_noticed_within_five_seconds_and_what_was_not_written_is_told(
    start: Callable[..., Bench],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not by the next look, which is an hour away."""
    monkeypatch.setattr(prober, "FLUSH_S", 3_600.0)
    assert prober.READ_REQUESTS_S <= 5
    with Server(answers()) as server:
        bench = start({"name": "good", "url": server.url, "interval_seconds": 3_600.0})
        while not bench.worker._journal._kept:  # type: ignore[attr-defined]
            bench._bell.wait(bench.worker.step())
        bench.worker.step()
        bench.config.paths.database.unlink()
        create_or_open(bench.config.paths.database).close()
        bench.worker._requests_read_at -= prober.READ_REQUESTS_S  # type: ignore[attr-defined]
        with pytest.raises(StoreReplacedError):
            bench.worker.step()
        bench.worker.close()
    assert "checks_lost count=1" in caplog.messages[-1]
    bench.worker = prober.make(bench.config, "default")(bench._bell)


def test_a_prober_never_makes_a_database(tmp_path: Path) -> None:
    make = prober.make(a_config(tmp_path, {"name": "a", "url": "http://127.0.0.1:1/"}), "default")
    bell = Doorbell()
    with pytest.raises(StoreError, match="no database"):
        make(bell)
    bell.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    connection = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(connection, [("a", "default", False)], now=clock.now())
    yield connection
    connection.close()


def test_while_the_database_is_locked_checks_are_kept_and_nothing_is_lost(
    store: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "AWAY_PAUSE_S", 0.0)
    store._db.set_busy_timeout(0)
    kept = Journal(store, Log("probe-default"), tmp_path / "nobody.sock")
    foreign = apsw.Connection(str(store.path))
    foreign.execute("BEGIN IMMEDIATE")
    for seconds in range(3):
        kept.add(a_check(at=clock.now() + timedelta(seconds=seconds)), by=0.0, is_news=True)
        kept.flush_when_due(clock.monotonic())
    assert checks.read_inbox(store, limit=10) == []
    foreign.execute("ROLLBACK")
    foreign.close()
    kept.flush_when_due(clock.monotonic())
    assert len(checks.read_inbox(store, limit=10)) == 3


def test_what_is_kept_is_bounded_and_what_is_dropped_is_told(
    store: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def locked(*_: object) -> None:
        raise StoreBusyError("locked")

    monkeypatch.setattr(journal, "MAX_KEPT", 5)
    monkeypatch.setattr(journal, "AWAY_PAUSE_S", 0.0)
    kept = Journal(store, Log("probe-default"), tmp_path / "nobody.sock")
    began = clock.now()
    with monkeypatch.context() as lock, caplog.at_level(logging.INFO, "healthmon"):
        lock.setattr(checks, "append", locked)
        for seconds in range(8):
            kept.add(a_check(at=began + timedelta(seconds=seconds)), by=0.0, is_news=True)
            kept.flush_when_due(clock.monotonic())
    with caplog.at_level(logging.INFO, "healthmon"):
        kept.flush_when_due(clock.monotonic())
    written = [entry.check.checked_at for entry in checks.read_inbox(store, limit=10) if entry.check]
    assert written == [began + timedelta(seconds=seconds) for seconds in range(3, 8)]
    assert [message.split()[1] for message in caplog.messages] == ["database_away", "database_back"]
    assert "dropped=3" in caplog.messages[1]


def test_a_lock_that_falls_between_a_check_and_what_goes_with_it_writes_no_check_twice(store: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "AWAY_PAUSE_S", 0.0)
    kept = Journal(store, Log("probe-default"), tmp_path / "nobody.sock")
    check = a_check(at=clock.now())
    kept.add(replace(check, outcome=replace(check.outcome, performance=(Performance(label="a", value=1),))), by=0.0, is_news=True)

    def locked(*_: object) -> None:
        raise StoreBusyError("locked")

    with monkeypatch.context() as lock:
        lock.setattr(performance_data, "note", locked)
        kept.flush_when_due(clock.monotonic())
    kept.flush_when_due(clock.monotonic())
    assert len(checks.read_inbox(store, limit=10)) == 1
    assert len(performance_data.of_services(store, [check.service_id])[check.service_id]) == 1


def test_what_a_command_measures_replaces_what_it_measured_before(start: Callable[..., Bench], tmp_path: Path) -> None:
    values = tmp_path / "values"
    values.write_text("a=1s;2;3 b=2")
    command = ["/bin/sh", "-c", f'echo "OK | $(cat {values})"']
    bench = start({"name": "disk", "type": "command", "command": command, "interval_seconds": 0.2, "timeout_seconds": 0.2})

    def measured() -> list[Performance]:
        return performance_data.of_services(bench.store, bench.ids.values()).get(bench.ids["disk"], [])

    bench.until(lambda _: bool(measured()))
    assert [(one.label, one.value, one.critical) for one in measured()] == [("a", 1, "3"), ("b", 2, "")]
    values.write_text("b=7")
    bench.until(lambda _: [(one.label, one.value) for one in measured()] == [("b", 7)])
