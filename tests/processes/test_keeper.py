"""The keeper on a real database: every check counts once, what is old goes in small pieces, nothing else does."""

from __future__ import annotations

import random
import subprocess
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from healthmon import clock
from healthmon.errors import StoreReplacedError
from healthmon.history.settings import kept
from healthmon.log import Log
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.forensics import ForensicsMoment
from healthmon.model.heal import HealState
from healthmon.model.hook_run import HookMoment, HookRun
from healthmon.paths import Paths
from healthmon.processes.directories import prepare_directories
from healthmon.processes.keeper import Keeper, counting, tidying
from healthmon.store import (
    alerts,
    backup,
    checks,
    forensics,
    heals,
    history,
    hook_runs,
    incidents,
    retention,
    rollups,
    services,
    space,
    stale_rollups,
    start,
    trends,
)
from healthmon.store.inspection import inspect
from healthmon.store.opening import create_or_open, open_for_working, open_for_writing
from tests.builders import NOW, a_bundle, a_check, a_config, a_heal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.model.check import Check
    from healthmon.store.connection import Connection

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GOOD, BAD = CheckReason.OK, CheckReason.STATUS


class World:
    """One keeper on one database, with clocks that the test moves."""

    def __init__(self, path: Path, **changes: Any) -> None:
        self.now = NOW
        self.lived_s = 0.0
        prepare_directories(Paths(data_dir=path, database=path / "health_monitoring.db"))
        self.config = a_config(path, {"name": "doc_store", "url": "http://localhost:1"}, {"name": "frontend", "url": "http://localhost:2"}, **changes)
        self.connection: Connection = create_or_open(self.config.paths.database)
        services.sync(self.connection, [("doc_store", "default", True), ("frontend", "default", False)], now=NOW)
        self.keeper = self.a_new_keeper()

    def a_new_keeper(self) -> Keeper:
        return Keeper(self.config, self.connection, Log("keeper"))

    def set_clocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: self.now)
        monkeypatch.setattr(clock, "monotonic", lambda: 1_000.0 + self.lived_s)
        monkeypatch.setattr(clock, "boottime", lambda: 1_000.0 + self.lived_s)

    def live(self, length: timedelta) -> None:
        self.now += length
        self.lived_s += length.total_seconds()

    def evaluate(self) -> None:
        """Do to the inbox what the evaluator does, as far as it concerns the keeper."""
        entries = checks.read_inbox(self.connection, limit=10_000)
        looks = [entry.check for entry in entries if entry.check is not None]
        with self.connection.transaction(durable=False):
            stale_rollups.mark_hours(self.connection, {look.checked_at.replace(minute=0, second=0, microsecond=0) for look in looks})
            if entries:
                checks.delete_inbox_until(self.connection, entries[-1].inbox_id)

    def add(self, *looks: Check) -> None:
        checks.append(self.connection, list(looks))
        self.evaluate()

    def work(self) -> None:
        """Let the keeper do all that is due now."""
        while self.keeper.step() == 0.0:
            pass

    def work_later(self, length: timedelta = timedelta(minutes=11)) -> None:
        self.live(length)
        self.work()

    def hours(self, service_id: int = 1) -> dict[datetime, tuple[int, int]]:
        found = rollups.hours(self.connection, service_id, self.now - 40 * DAY, self.now + DAY)
        return {start: (hour.checks.checks, hour.checks.healthy_checks) for start, hour in found}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path)
    made.set_clocks(monkeypatch)
    made.keeper = made.a_new_keeper()
    yield made
    made.connection.close()


def test_an_hour_is_counted_as_its_checks_are(world: World) -> None:
    """Scheduled looks that found something out: as the document's view has it."""
    world.add(a_check(at=NOW, response_time_s=0.010), a_check(BAD, at=NOW + timedelta(seconds=1), response_time_s=0.030))
    world.add(a_check(BAD, at=NOW, kind=CheckKind.RECHECK), a_check(CheckReason.NO_NETWORK, at=NOW, response_time_s=None))
    world.add(a_check(at=NOW, service_id=2, response_time_s=None))
    world.work_later(HOUR)
    [(start, hour)] = rollups.hours(world.connection, 1, NOW, NOW + HOUR)
    found = hour.checks
    assert (start, found.checks, found.healthy_checks, found.answers, found.sum_us) == (NOW, 2, 1, 2, 40_000)
    assert (found.minimum_us, found.maximum_us) == (10_000, 30_000)
    assert world.hours(2) == {NOW: (1, 1)}


@pytest.mark.parametrize("seed", range(5))
def test_every_check_counts_once_in_whatever_order_writers_commit(world: World, seed: int) -> None:
    """Late commits, whole hours late too; the keeper, its crashes and the evaluator's delays in between."""
    chance = random.Random(seed)
    looks = [
        a_check(chance.choice([GOOD, BAD]), at=NOW + timedelta(seconds=chance.randrange(5 * 3_600)), service_id=chance.choice([1, 2]))
        for _ in range(300)
    ]
    world.live(5 * HOUR)
    while looks:
        checks.append(world.connection, [looks.pop() for _ in range(min(len(looks), chance.randrange(1, 20)))])
        if chance.random() < 0.7:
            world.evaluate()
        if chance.random() < 0.3:
            world.keeper = world.a_new_keeper()
        if chance.random() < 0.5:
            world.work_later(timedelta(minutes=chance.randrange(30)))
    world.evaluate()
    world.work_later(DAY)
    for service_id in (1, 2):
        raw = world.connection.rows(
            "SELECT substr(timestamp, 1, 13), count(*), sum(status = 'healthy') FROM health_checks"
            " JOIN services USING (service_name) WHERE service_id = ? GROUP BY 1",
            service_id,
        )
        assert {(clock.to_sql(hour)[:13], *counts) for hour, counts in world.hours(service_id).items()} == set(raw)
        [day] = history.daily(world.connection, service_id, NOW, NOW + 12 * HOUR)
        assert day.rollup.checks.checks == sum(int(str(row[1])) for row in raw)


def test_a_check_that_is_committed_while_its_hour_is_counted_is_counted_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(a_check(at=NOW))
    world.live(2 * HOUR)
    late = iter([a_check(at=NOW + timedelta(minutes=5))])

    def commit_meanwhile(_name: str) -> None:
        for check in late:
            world.add(check)

    monkeypatch.setattr(counting, "reach", commit_meanwhile)
    world.work()
    assert world.hours() == {NOW: (2, 2)}


def test_a_crash_between_counting_and_writing_leaves_the_hour_to_be_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(a_check(at=NOW))
    world.live(2 * HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(counting, "reach", lambda _name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.work()
    world.keeper = world.a_new_keeper()
    world.work()
    assert world.hours() == {NOW: (1, 1)}


def test_what_the_evaluator_has_not_seen_is_counted_all_the_same(world: World) -> None:
    """It may be down for hours, and come back to checks that are counted already."""
    checks.append(world.connection, [a_check(at=NOW), a_check(at=NOW + HOUR)])
    world.work_later(4 * HOUR)
    assert world.hours() == {NOW: (1, 1), NOW + HOUR: (1, 1)}
    world.evaluate()
    world.work_later()
    assert world.hours() == {NOW: (1, 1), NOW + HOUR: (1, 1)}


def test_the_present_hour_counts_once_too_whenever_one_looks(world: World) -> None:
    for minute in range(150):
        world.add(a_check(at=world.now))
        world.work_later(timedelta(minutes=1))
        if minute % 7 == 0:
            expected = minute + 1
            assert sum(hour.checks for hour in trends.hourly_health(world.connection, NOW)) == expected
            [one] = trends.response_times(world.connection, NOW)
            assert one.checks == expected
            assert history.between(world.connection, [1], NOW, world.now)[1].checks.checks == expected


def test_a_person_who_deletes_checks_takes_nothing_from_what_was_counted(world: World) -> None:
    world.add(a_check(at=NOW), a_check(at=NOW + timedelta(seconds=1)))
    world.work_later(2 * HOUR)
    world.connection.change("DELETE FROM health_checks")
    world.add(a_check(at=NOW + timedelta(seconds=2)))
    world.work_later()
    assert world.hours() == {NOW: (2, 2)}


def test_days_are_kept_when_their_hours_are_gone(world: World) -> None:
    world.add(*(a_check(at=NOW + hour * HOUR) for hour in range(5)))
    world.work_later(DAY)
    world.connection.change("DELETE FROM service_hours")
    with world.connection.transaction(durable=False):
        stale_rollups.mark_hours(world.connection, [NOW])
    world.work_later()
    [day] = history.daily(world.connection, 1, NOW - DAY, NOW + 11 * HOUR)
    assert day.rollup.checks.checks == 5


def test_percentiles_are_those_of_the_last_day(world: World) -> None:
    world.add(a_check(at=NOW - 30 * HOUR, response_time_s=60.0))
    world.add(*(a_check(at=NOW + timedelta(seconds=number), response_time_s=0.001 * number) for number in range(1, 101)))
    world.work_later(2 * HOUR)
    [one] = trends.response_times(world.connection, NOW)
    assert one.p50_s == pytest.approx(0.050, rel=0.01)
    assert one.p95_s == pytest.approx(0.095, rel=0.01)
    assert one.p99_s == pytest.approx(0.099, rel=0.01)
    assert one.maximum_s == pytest.approx(0.100)


def old(world: World, days: float) -> datetime:
    return world.now - timedelta(days=days)


def test_old_checks_go_whatever_their_kind_and_young_ones_stay(world: World) -> None:
    kinds = [a_check(at=old(world, 31)), a_check(at=old(world, 31), kind=CheckKind.RECHECK), a_check(CheckReason.NO_NETWORK, at=old(world, 31))]
    world.add(*kinds, a_check(at=old(world, 29)))
    world.work_later()
    assert world.connection.rows("SELECT count(*) FROM checks") == [(1,)]
    assert [counts for _, counts in world.hours().items()] == [(1, 1), (1, 1)], "what goes was not counted"


def test_a_clock_that_is_ten_years_ahead_for_an_hour_deletes_nothing_that_is_not_nearly_due(world: World) -> None:
    world.add(*(a_check(at=old(world, day)) for day in range(29)))
    world.work()
    world.now += timedelta(days=3_650)
    for _ in range(6):
        world.work_later()
    assert world.connection.rows("SELECT count(*) FROM checks") == [(29,)]


def test_what_nobody_has_taken_in_yet_is_not_deleted(world: World) -> None:
    checks.append(world.connection, [a_check(at=old(world, 31))])
    world.work_later()
    assert world.connection.rows("SELECT count(*) FROM checks") == [(1,)]


def test_each_kind_has_its_own_time_and_what_is_not_over_stays(world: World) -> None:
    far = old(world, 500)
    opened = incidents.open_incident(
        world.connection, 1, started_at=far, detected_at=far, episode_started_at=far, reason=BAD, error_message=None
    )
    heal_id = heals.add(world.connection, a_heal(HealState.PLANNED, incident_id=opened.incident_id, planned_at=far))
    forensics.keep(world.connection, a_bundle(incident_id=opened.incident_id, heal_id=heal_id, moment=ForensicsMoment.BEFORE_RESTART))
    ran = HookRun(heal_id=heal_id, moment=HookMoment.BEFORE, began_at=far, took_s=0.1, exit_code=0, problem="", output="")
    hook_runs.add(world.connection, ran)
    heals.add(world.connection, a_heal(HealState.FAILED, incident_id=None, service_id=2, planned_at=far, asked_by="ada"))
    assert kept(30, world.config.retention).keys() == retention.KINDS.keys()
    alerts.fire(world.connection, an_alert("firing", far))
    alerts.fire(world.connection, an_alert("over", far))
    alerts.resolve(world.connection, 1, "over", at=far)
    world.work_later()
    assert world.connection.rows("SELECT alert_type FROM alert_log") == [("firing",)]
    assert world.connection.rows("SELECT count(*) FROM incidents") == [(1,)]
    world.connection.change("UPDATE heals SET state = 'failed', closed_at = planned_at")
    world.connection.change("UPDATE incidents SET resolved_at = started_at, resolution = 'recovered'")
    world.work_later()
    assert world.connection.rows("SELECT (SELECT count(*) FROM incidents) + (SELECT count(*) FROM heals)") == [(0,)]


def an_alert(name: str, at: datetime) -> Alert:
    return Alert(service_id=1, alert_type=name, severity=AlertSeverity.CRITICAL, message=name, triggered_at=at)


def test_free_pages_are_given_back_without_a_vacuum(world: World) -> None:
    world.add(*(a_check(at=old(world, 31) + timedelta(milliseconds=number), error_message="x" * 400) for number in range(5_000)))
    world.work()
    before = space.measure(world.connection)
    assert before.gives_back
    for _ in range(40):
        world.work_later()
    after = space.measure(world.connection)
    assert after.pages < before.pages / 2
    assert after.free <= max(tidying.SPARE_PAGES, after.pages * tidying.SPARE_SHARE)
    assert world.connection.rows("PRAGMA integrity_check") == [("ok",)]


def test_the_wal_is_written_back_and_emptied(world: World) -> None:
    path = world.connection.path
    world.connection.rows("PRAGMA wal_autocheckpoint = 0")
    reader = open_for_writing(path)
    fill(world, lambda: space.wal_bytes(path) > tidying.TRUNCATE_BYTES)
    reader.close()
    world.work_later()
    assert space.wal_bytes(path) < 2**18


def test_backups_are_made_verified_and_the_last_few_kept(world: World) -> None:
    world.add(a_check(at=NOW))
    for day in range(10):
        world.work_later(DAY)
        while world.keeper.step() < 1.0:
            world.lived_s += 1.0
        assert len(backup.backups(world.config.paths.backups, world.connection.path)) == min(7, day + 1)
    newest = backup.backups(world.config.paths.backups, world.connection.path)[-1]
    assert inspect(newest, limit_s=10).rows["checks"] == 1
    assert [path.name for path in world.config.paths.backups.iterdir() if not path.name.endswith("Z.db")] == []


def test_what_a_killed_copy_left_goes_with_the_next_one_and_a_copy_under_way_stays(world: World) -> None:
    backups = world.config.paths.backups
    under_way = backup.Copying(world.connection.path, backups / backup.name_at(world.connection.path, NOW - DAY), count_s=1)
    left = backups / f".{backup.name_at(world.connection.path, NOW - 2 * DAY)}.part"
    left.write_bytes(b"half of it")
    backup.sweep(backups, world.connection.path)
    while not under_way.step():
        pass
    under_way.finish(limit_s=1)
    assert [path.name for path in backups.iterdir()] == [backup.name_at(world.connection.path, NOW - DAY)]


def test_what_cannot_be_counted_in_the_time_is_left_uncounted(world: World) -> None:
    world.add(*(a_check(at=NOW + timedelta(seconds=number)) for number in range(5_000)))
    found = inspect(world.connection.path, limit_s=-1.0)  # the clock of this world stands still
    assert "checks" not in found.rows
    assert inspect(world.connection.path, limit_s=10).rows["checks"] == 5_000


def test_a_backup_that_fails_is_told_once_and_tried_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.config.paths.backups.write_text("a file where the directory belongs")
    for _ in range(3):
        world.work_later()
    assert [record.getMessage() for record in caplog.records if "backup_failed" in record.getMessage()] != []
    world.config.paths.backups.unlink()
    world.work_later(HOUR)
    while world.keeper.step() < 1.0:
        world.lived_s += 1.0
    assert len(backup.backups(world.config.paths.backups, world.connection.path)) == 1


def test_what_is_copied_over_the_database_takes_its_place_and_nothing_is_mixed(world: World, tmp_path: Path) -> None:
    world.add(a_check(at=NOW))
    backup.copy(world.connection.path, tmp_path / "copy.db", limit_s=10)
    world.add(*(a_check(at=NOW + timedelta(seconds=number), error_message="x" * 300) for number in range(1, 500)))
    world.work_later()
    world.add(a_check(at=NOW + HOUR))
    subprocess.run(["cp", tmp_path / "copy.db", world.connection.path], check=True)
    with pytest.raises(StoreReplacedError):
        world.work_later(timedelta(seconds=6))
    begun_anew = open_for_working(world.connection.path)
    assert begun_anew.rows("SELECT count(*) FROM checks") == [(1,)]
    assert begun_anew.rows("PRAGMA integrity_check") == [("ok",)]
    assert world.connection.path.with_name(f"{world.connection.path.name}-wal.of-replaced").exists()
    begun_anew.close()


def test_another_database_in_the_place_of_ours_is_an_alert(world: World, tmp_path: Path) -> None:
    connection = start.begin(world.config.paths, Log("agent"))
    backup.copy(world.connection.path, tmp_path / "copy.db", limit_s=10)
    (tmp_path / "copy.db").replace(world.connection.path)
    again = open_for_working(world.connection.path)
    for _ in range(2):
        Keeper(world.config, again, Log("keeper"))
    assert again.rows("SELECT alert_type, severity FROM alerts") == [("database_replaced", "warning")]
    again.close()
    connection.close()


def test_a_shells_own_checkpoint_is_no_alarm(world: World) -> None:
    world.add(a_check(at=NOW))
    world.work_later()
    shell = apsw.Connection(str(world.connection.path))
    for number in range(3):
        shell.execute("INSERT OR REPLACE INTO facts VALUES ('theirs', ?)", (str(number),))
        shell.execute("PRAGMA wal_checkpoint(PASSIVE)")
        world.work_later(timedelta(seconds=6))
    shell.execute("VACUUM")
    world.work_later(timedelta(seconds=6))
    shell.close()
    assert world.connection.rows("SELECT count(*) FROM checks") == [(1,)]


def test_a_long_reader_and_a_shells_checkpoint_are_no_alarm(world: World) -> None:
    """The file keeps an old mark for as long as somebody reads what was before."""
    world.add(a_check(at=NOW))
    world.work_later()
    reader, shell = apsw.Connection(str(world.connection.path)), apsw.Connection(str(world.connection.path))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM checks").fetchall()
    for number in range(6):
        fill(world, lambda: space.wal_bytes(world.connection.path) > (number + 1) * tidying.CHECKPOINT_BYTES)  # noqa: B023  called at once
        shell.execute("INSERT OR REPLACE INTO facts VALUES ('theirs', ?)", (str(number),))
        shell.execute("PRAGMA wal_checkpoint(PASSIVE)")
        world.work_later(timedelta(seconds=6))
    reader.close()
    shell.execute("PRAGMA wal_checkpoint(PASSIVE)")
    shell.close()
    for _ in range(3):
        world.work_later(timedelta(seconds=6))
    assert world.connection.rows("SELECT count(*) FROM checks") == [(1,)]


def fill(world: World, enough: Callable[[], bool]) -> None:
    number = 0
    while not enough():
        number += 1
        world.connection.change("INSERT OR REPLACE INTO facts VALUES (?, ?)", f"filler {number % 50}", "x" * 100_000)
