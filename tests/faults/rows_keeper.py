"""The keeper is killed in the middle of all that it does: every check counts once, whatever was begun. F46, F46-control."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import ENVIRONMENT
from healthmon.history.rollups import Counter, checks_of, day_of
from healthmon.model.check import Check, CheckKind, CheckReason, Outcome
from healthmon.status.uptime import HOUR, hour_of
from healthmon.store import backup, checks, rollups, services, stale_rollups
from healthmon.store.inspection import inspect
from healthmon.store.opening import open_for_working
from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.controls import caught, planted
from tests.faults.harness import TOP, row, since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from healthmon.history.rollups import Counted
    from healthmon.store.connection import Connection

POINTS = ("keeper.counted", "keeper.saved", "keeper.adding_up", "keeper.deleted", "keeper.copying", "keeper.copied")
LIVES = 3  # at each point
SERVICES = 3
KEPT = timedelta(days=30)
OLD, YOUNG = 600, 900  # checks with each life that are to go, and that are to stay
DONE_WITHIN_S, DIES_WITHIN_S = 30, 20


@row("F46", "the keeper is killed in the middle of counting, adding up, deleting and copying: each check counts once", bound_s=20, in_ci=False)
def killed() -> float:
    return _killed()


@row("F46-control", "a planted bug (an hour is added to what was counted) is caught by the same harness", bound_s=60, in_ci=False)
def control() -> float:
    with planted("tests.faults.planted_keeper"):
        return caught(_killed, saying="are counted")


def _killed() -> float:
    chance = random.Random(46)
    with agent(backup={"every_hours": 0.0001, "keep": 2}, web={"enabled": False}) as host:
        host.stop()
        past = Past(host, chance)
        for point in POINTS:
            for life in range(LIVES):
                past.go_on()
                _die(host, f"{point}:{1 + life % 2}")
        past.go_on()
        took = past.settle()
        past.assert_counted_once()
        _assert_backed_up(host)
        host.start()
        host.assert_sound()
        return took


class Past:
    """All checks that ever were, in memory beside the database: what is deleted there is known here."""

    def __init__(self, host: Agent, chance: random.Random) -> None:
        self._host, self._chance = host, chance
        self._ever: list[Check] = []
        self._aged = 0
        self._ids = range(1, SERVICES + 1)
        with self._connection() as connection:
            services.sync(connection, [(f"s{sid}", "core", False) for sid in self._ids], now=clock.now())

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        connection = open_for_working(self._host.paths.database)
        try:
            yield connection
        finally:
            connection.close()

    def go_on(self) -> None:
        """Have checks written of all the hours of two days, late ones among them, and of another hour that is too old; evaluate them."""
        now = clock.now()
        self._aged += 1
        begin = hour_of(now - KEPT) - self._aged * HOUR
        old = [begin + timedelta(seconds=self._chance.uniform(0, 3_600)) for _ in range(OLD)]
        young = [now - timedelta(seconds=self._chance.uniform(0, 48 * 3_600)) for _ in range(YOUNG)]
        written = list(map(self._look, sorted(old + young)))
        with self._connection() as connection:
            checks.append(connection, written)
            self._ever += written
            with connection.transaction(durable=False):
                entries = checks.read_inbox(connection, limit=len(written) + 1)
                stale_rollups.mark_hours(connection, {hour_of(check.checked_at) for check in written})
                checks.delete_inbox_until(connection, entries[-1].inbox_id)

    def _look(self, at: datetime) -> Check:
        bad = self._chance.random() < 0.1
        error = "x" * 300 if bad else None
        outcome = Outcome(reason=CheckReason.STATUS if bad else CheckReason.OK, response_time_s=self._chance.lognormvariate(-3, 1), error_message=error)
        return Check(service_id=self._chance.choice(self._ids), kind=CheckKind.SCHEDULED, checked_at=at.replace(microsecond=0), outcome=outcome)

    def settle(self) -> float:
        """Let a keeper live until nothing is left to do; return how long that took."""
        began = time.monotonic()
        now = clock.now()
        query = f"""
            SELECT (SELECT count(*) FROM stale_rollups WHERE start < iif(span = 'hour', '{_text(hour_of(now))}', '{_text(day_of(now))}')),
                   (SELECT count(*) FROM checks WHERE timestamp < '{_text(now - KEPT)}')
        """
        process = _keeper(self._host)
        try:
            wait_for(lambda: self._host.rows(query) == [(0, 0)], timeout_s=DONE_WITHIN_S, what="the keeper to have done all")
            took = since(began)
            wait_for(lambda: backup.backups(self._host.paths.backups, self._host.paths.database), timeout_s=DONE_WITHIN_S, what="a backup")
        finally:
            process.terminate()
            process.wait(10)
        return took

    def assert_counted_once(self) -> None:
        """Compare every hour and day that is over with what all the checks of it, one by one, come to."""
        over = hour_of(clock.now())
        counters: defaultdict[tuple[int, datetime], Counter] = defaultdict(Counter)
        for check in self._ever:
            microseconds = round((check.outcome.response_time_s or 0.0) * 1e6)
            counters[check.service_id, hour_of(check.checked_at)].add(healthy=check.outcome.reason is CheckReason.OK, response_time_us=microseconds)
        hours = {key: counter.counted() for key, counter in counters.items() if key[1] < over}
        days: defaultdict[tuple[int, datetime], list[Counted]] = defaultdict(list)
        for (sid, hour), counted in hours.items():
            days[sid, day_of(hour)].append(counted)
        with self._connection() as connection:
            for sid in self._ids:
                _assert_same(f"hours of s{sid}", dict(rollups.hours(connection, sid, over - KEPT - timedelta(days=2), over)), hours, sid)
                wanted = {key: checks_of(parts) for key, parts in days.items() if key[1] < day_of(over)}
                _assert_same(f"days of s{sid}", dict(rollups.days_of(connection, [sid], over - 2 * KEPT, day_of(over))[sid]), wanted, sid)


def _assert_same(what: str, found: dict[datetime, rollups.Rollup], wanted: dict[tuple[int, datetime], Counted], sid: int) -> None:
    mine = {start: counted for (one, start), counted in wanted.items() if one == sid}
    seen = {start: rollup.checks for start, rollup in found.items() if rollup.checks.checks}
    assert seen.keys() == mine.keys(), f"{what}: {sorted(seen.keys() ^ mine.keys())[:5]}"
    for start, counted in mine.items():
        assert seen[start] == counted, f"{what}: at {start} {seen[start].checks} are counted, and {counted.checks} there were"


def _keeper(host: Agent, **environment: str) -> subprocess.Popen[bytes]:
    module = Agent.module if Agent.module != "healthmon" else "tests.faults.hasty"
    words = [sys.executable, "-P", "-m", module, "process", "keeper", "--data-dir", str(host.paths.data_dir)]
    with host.said_file.open("ab") as said:
        return subprocess.Popen(words, cwd=host.paths.data_dir, env={**os.environ, "PYTHONPATH": str(TOP), **environment}, stdout=said, stderr=said)


def _die(host: Agent, failpoint: str) -> None:
    process = _keeper(host, **{ENVIRONMENT: failpoint})
    try:
        ended = process.wait(DIES_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"the keeper never came to {failpoint}: {host.log('keeper')[-900:]}") from None
    assert ended == -signal.SIGKILL, f"at {failpoint} the keeper ended with {ended}: {host.log('keeper')[-500:]}"


def _assert_backed_up(host: Agent) -> None:
    made = backup.backups(host.paths.backups, host.paths.database)
    assert made, "there is no backup"
    for path in made:
        inspect(path, limit_s=60)
    left = sorted(path.name for path in host.paths.backups.iterdir() if path not in made)
    assert not left, f"a killed copy was left: {left}"


def _text(at: datetime) -> str:
    return clock.to_sql(at)
