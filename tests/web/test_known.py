"""Who asks again and again is told what who asks for the first time is told, whatever happened in between."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.answers import overview, report
from healthmon.answers.report import Known, read_dashboard
from healthmon.history import report as history
from healthmon.history.buckets import edges_us
from healthmon.history.rollups import Counter
from healthmon.memo import Memo
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Booked, Uptime, hour_of
from healthmon.store import checks, incidents, rollups, services, states, tallies, targets
from healthmon.store.opening import create_or_open
from healthmon.store.targets import TargetReport
from healthmon.web import metrics, service_metrics
from healthmon.web.encoding import tagged
from healthmon.web.exposition import expose
from healthmon.web.service_metrics import Told
from tests.builders import a_check, a_config, a_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.store.connection import Connection

NAMES = ("doc_store", "frontend", "redis", "kernel", "gateway")
STEPS = 60


class Life:
    """A database to which anything happens that may: by evaluator, healer, keeper, people, and the clock."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = clock.now()
        self.directory = directory
        self.database: Connection = create_or_open(directory / "health_monitoring.db")
        self.config: Config
        self.reload()

    def happen(self) -> None:
        deed = self.chance.choice((self.look, self.look, self.look, self.outage, self.target, self.count, self.prune, self.reload, self.set_clock))
        self.now += timedelta(seconds=self.chance.choice((0, 1, 40, 900)))
        with self.database.transaction(durable=False):
            deed()

    def sid(self) -> int:
        return self.chance.choice([one.service_id for one in services.by_name(self.database).values()])

    def look(self) -> None:
        reason = self.chance.choice((CheckReason.OK, CheckReason.OK, CheckReason.STATUS))
        sid = self.sid()
        status = self.chance.choice(tuple(ServiceStatus))
        state = ServiceState(
            service_id=sid, status=status, status_since=self.now, last_checked_at=self.now, last_reason=reason, last_response_time_s=self.chance.random()
        )
        states.save(self.database, [(state, Uptime(percentage=self.chance.choice((None, 100.0, 99.5)), coverage=50.0))])
        tallies.count(self.database, [a_check(reason, service_id=sid, response_time_s=self.chance.random())], {sid: edges_us(self.chance.choice((None, 2.0)))})
        self.database.change(
            "INSERT OR IGNORE INTO checks (timestamp, service_id, kind, status, response_time_us) VALUES (?, ?, 0, 1, ?)",
            *(clock.to_sql(self.now), sid, self.chance.randint(1, 900_000)),
        )

    def outage(self) -> None:
        sid = self.sid()
        for incident in incidents.open_incidents(self.database):
            if incident.service_id == sid:
                incidents.resolve(self.database, incident.incident_id, at=self.now, resolution=IncidentResolution.RECOVERED)
                return
        about: dict[str, Any] = {"started_at": self.now, "detected_at": self.now, "episode_started_at": self.now, "error_message": "gone"}
        incidents.open_incident(self.database, sid, reason=CheckReason.REFUSED, **about)

    def target(self) -> None:
        found = self.chance.choice((None, a_target(name=f"box_{self.chance.randint(1, 3)}", observed_at=self.now)))
        targets.publish(self.database, {self.sid(): TargetReport(observed_at=self.now, target=found, problem=None if found else "no container has that name")})

    def count(self) -> None:
        counter = Counter()
        for _ in range(self.chance.randint(0, 40)):
            counter.add(healthy=True, response_time_us=self.chance.randint(1, 5_000_000))
        hour, sid = hour_of(self.now - timedelta(hours=self.chance.randint(0, 30))), self.sid()
        states.save_hours(self.database, [(sid, hour, Booked(healthy_s=3_000.0))])
        self.counted.append((hour, sid, counter))

    def prune(self) -> None:
        until = clock.to_sql(self.now - timedelta(hours=self.chance.randint(1, 20)))
        for table, column in (("checks", "timestamp"), ("service_hours", "hour")):
            self.database.change(f"DELETE FROM {table} WHERE {column} < ?", until)

    def reload(self) -> None:
        """Rename, add, take out, or set otherwise."""
        wanted = self.chance.sample(NAMES, self.chance.randint(1, len(NAMES)))
        self.config = a_config(
            self.directory,
            *({"name": name, "url": "http://127.0.0.1:1/", "critical": self.chance.random() < 0.5, "interval_seconds": 600} for name in wanted),
        )
        self.counted: list[tuple[datetime, int, Counter]] = []
        self.is_to_sync = True

    def set_clock(self) -> None:
        self.now += timedelta(hours=self.chance.choice((-30, -1, 1, 30)))

    def settle(self) -> None:
        """Do what has a transaction of its own."""
        if self.is_to_sync:
            services.sync(self.database, [(one.name, one.group, one.critical) for one in self.config.enabled_services()], now=self.now)
            self.is_to_sync = False
        for hour, sid, counter in self.counted:
            rollups.save_hour(self.database, hour, {sid: counter.counted()}, mark=None, is_over=False, reached=self.now)
        self.counted.clear()


@pytest.fixture
def life(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    made = Life(tmp_path, request.param)
    monkeypatch.setattr(clock, "now", lambda: made.now)
    made.settle()
    yield made
    made.database.close()


@pytest.mark.parametrize("life", range(6), indirect=True)
def test_what_is_known_already_changes_no_answer(life: Life) -> None:
    known, told = Known(), Told()
    for _ in range(STEPS):
        life.happen()
        life.settle()
        connection, config = life.database, life.config
        fresh = read_dashboard(connection, config)
        assert read_dashboard(connection, config, known) == fresh
        assert tagged(fresh, known) == tagged(fresh, None)
        assert overview.read(connection, config, known) == overview.read(connection, config)
        again = metrics.collect(connection, config, {}, life.now, known=known, told=told)
        assert expose(again, is_open=True) == expose(metrics.collect(connection, config, {}, life.now), is_open=True)


@pytest.mark.parametrize("life", range(6), indirect=True)
def test_percentiles_that_are_kept_are_those_of_the_histogram(life: Life) -> None:
    for _ in range(STEPS):
        life.happen()
        life.settle()
    found = [rollup.checks for sid in rollups.service_ids(life.database) for _, rollup in rollups.hours(life.database, sid, life.now - timedelta(days=9), life.now)]
    for one in found:
        summed = rollups.add_up([rollups.Rollup(time=Booked(), checks=one)]).checks  # keeps nothing: tells from the histogram
        assert (one.p50_us, one.p95_us) == (summed.percentile_us(50), summed.percentile_us(95))


def test_what_is_not_counted_yet_is_read_of_those_alone_who_are_asked_for(life_of_two: Connection) -> None:
    now = clock.now()
    checks.append(life_of_two, [a_check(service_id=sid, at=now - timedelta(seconds=sid)) for sid in (1, 2, 1)])
    everybody = rollups.count(life_of_two, now - timedelta(hours=1), now)
    assert rollups.count(life_of_two, now - timedelta(hours=1), now, [2]) == {2: everybody[2]}
    assert everybody.keys() == {1, 2}


@pytest.fixture
def life_of_two(tmp_path: Path) -> Iterator[Connection]:
    database = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(database, [("one", "", False), ("two", "", False)], now=clock.now())
    yield database
    database.close()


def test_nothing_is_made_twice_of_the_same_and_memory_is_bounded() -> None:
    made: list[int] = []

    def double(number: int) -> int:
        made.append(number)
        return 2 * number

    memo: Memo[int] = Memo(limit=3)
    assert [memo.of("a", double, 1), memo.of("a", double, 1), memo.of("a", double, 2)] == [2, 2, 4]
    assert made == [1, 2]
    for key in range(10):
        assert memo.of(key, double, key) == 2 * key
    assert len(memo._made) <= 3


def test_what_is_as_it_was_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts the work: that answers are the same says nothing of whether anything is remembered."""
    life = Life(tmp_path, seed=1)
    life.settle()
    for _ in range(STEPS):
        life.happen()
        life.settle()
    made: list[str] = []
    for module, name in (
        *((states, "_state_and_uptime"), (targets, "_report"), (targets, "_summary"), (tallies, "_read"), (report, "_service"), (report, "_text"), (services, "_service"), (history, "line")),
        *((service_metrics, f"_{name}") for name in ("state", "care", "checks", "container", "healing")),
    ):
        monkeypatch.setattr(module, name, counting(made, name, getattr(module, name)))
    known, told = Known(), Told()

    def read() -> int:
        made.clear()
        tagged(read_dashboard(life.database, life.config, known), known)
        overview.read(life.database, life.config, known)
        metrics.collect(life.database, life.config, {}, life.now, known=known, told=told)
        return len(made)

    assert read() > 0
    assert read() == 0, made
    life.database.change("UPDATE service_states SET last_checked_at = '2026-01-01 00:00:00.000' WHERE service_id = 1")
    assert 0 < read() < 7
    life.database.close()


def counting(made: list[str], name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*given: Any) -> Any:
        made.append(name)
        return make(*given)

    return counted
