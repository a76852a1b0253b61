"""How long do the page, the API and the metrics take with 1,000 services and 30 days of history, and with 17?

The server is a process of its own, as in an agent; times are those of who asks it on the same host, medians over rounds.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from healthmon import clock
from healthmon.history import histogram
from healthmon.history.buckets import edges_us
from healthmon.history.rollups import HIGH, MEDIAN, Counter
from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime, hour_of
from healthmon.store import checks, facts, incidents, stale_rollups, states, tallies, targets
from healthmon.store.targets import TargetReport
from tests.builders import a_check, a_target
from tests.web.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

DAYS = 30
COUNTED_AGO = timedelta(minutes=5)  # the keeper comes as often
RAW = timedelta(hours=2)  # of single checks; what is older is asked of the hours
EVERY_S = 30
HOUR_S = 3_600
KINDS = 500  # of hours: none is like the one before it
VIEWERS = 100
PATHS = ("/", "/api/v1/dashboard", "/api/v1/report", "/metrics", "/api/v1/incidents", "/api/v1/services/service_0/history?limit=100")


def fill(site: Site, count: int) -> None:
    """Give every service a state, a container, hours of 30 days, and the checks of the last two hours."""
    chance, now = random.Random(1), clock.now()  # noqa: S311  the same figures every time, no secret
    database = site.database
    ids = range(1, count + 1)
    with database.transaction(durable=False):
        states.save(database, [(_state(chance, one), Uptime(percentage=100 - chance.random(), coverage=100.0)) for one in ids])
        targets.publish(database, {one: TargetReport(observed_at=now, target=a_target(name=f"container_{one}")) for one in ids})
        hours = [_hour(chance) for _ in range(KINDS)]
        for hour in range(24 * DAYS):
            start = clock.to_sql(hour_of(now) - timedelta(hours=hour))
            database.change_many(
                """
                INSERT INTO service_hours (service_id, hour, healthy_s, checks, healthy_checks, answers, sum_us, minimum_us, maximum_us,
                                           histogram, p50_us, p95_us)
                VALUES (?, ?, 3600, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [(one, start, *chance.choice(hours)) for one in ids],
            )
        database.change_many("INSERT INTO service_percentiles VALUES (?, ?, 90000, 400000, 800000)", [(one, clock.to_sql(now)) for one in ids])
        facts.note_time(database, stale_rollups.COUNTED_UNTIL, now - COUNTED_AGO)
        tallies.count(database, [a_check(service_id=one, response_time_s=chance.random()) for one in ids], dict.fromkeys(ids, edges_us(2.0)))
        for _ in range(200):
            service_id, at = chance.choice(ids), now - timedelta(hours=chance.random() * 24 * DAYS)
            database.change(
                "INSERT INTO incidents (service_id, started_at, detected_at, episode_started_at, reason, resolved_at, resolution)"
                " VALUES (?1, ?2, ?2, ?2, 'status', ?2, 'recovered')",
                service_id,
                clock.to_sql(at),
            )
        for one in (one for one in ids if one % 50 == 1):
            facts_of: dict[str, Any] = {"started_at": now, "detected_at": now, "episode_started_at": now}
            incidents.open_incident(database, one, reason=CheckReason.STATUS, error_message="expected 200, got 503", **facts_of)
        database.change_many(
            "INSERT INTO checks (timestamp, service_id, kind, status, response_time_us) VALUES (?, ?, 0, 1, ?)",
            [
                (clock.to_sql(now - timedelta(seconds=age + one / count * EVERY_S)), one, chance.randint(1_000, 900_000))
                for age in range(0, int(RAW.total_seconds()), EVERY_S)
                for one in ids
            ],
        )
    database.rows("ANALYZE")


def _hour(chance: random.Random) -> tuple[apsw.SQLiteValue, ...]:
    counter = Counter()
    for look in range(HOUR_S // EVERY_S):
        counter.add(healthy=look > 0, response_time_us=chance.randint(1_000, 900_000))
    found = counter.counted()
    return (
        *(found.checks, found.healthy_checks, found.answers, found.sum_us, found.minimum_us, found.maximum_us),
        *(histogram.encode(found.histogram), found.percentile_us(MEDIAN), found.percentile_us(HIGH)),
    )


def _state(chance: random.Random, service_id: int) -> ServiceState:
    is_ill = service_id % 50 == 1
    return ServiceState(
        service_id=service_id,
        status=ServiceStatus.UNHEALTHY if is_ill else ServiceStatus.HEALTHY,
        status_since=clock.now() - timedelta(hours=1),
        last_checked_at=clock.now(),
        last_healthy_at=clock.now(),
        last_reason=CheckReason.STATUS if is_ill else CheckReason.OK,
        last_error="expected 200, got 503" if is_ill else None,
        last_response_time_s=chance.random(),
    )


@contextmanager
def served(directory: Path, count: int) -> Iterator[Site]:
    """Serve `count` services from a process of its own."""
    wanted = tuple(
        {"name": f"service_{one}", "url": "http://127.0.0.1:1/", "group": f"group_{one % 20}", "interval_seconds": 3_600.0, "expected_response_time": 2.0}
        for one in range(count)
    )
    site = Site(directory=directory, services=wanted)
    fill(site, count)
    site.database.close()
    child = os.fork()
    if not child:
        site.web.step()
        signal.pause()
    try:
        _wait_until_served(site)
        yield site
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _wait_until_served(site: Site) -> None:
    for _ in range(200):
        try:
            site.ask("/healthz")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nothing is served")


def ask(site: Site, path: str) -> tuple[float, int, int]:
    """Return the seconds that an answer took, and its size, packed and not."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.connect()
    started = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - started
    connection.close()
    assert answer.status == 200, (path, answer.status, body[:200])  # noqa: S101, PLR2004
    is_packed = answer.getheader("content-encoding") == "gzip"
    return took, len(body), len(gzip.decompress(body)) if is_packed else len(body)


def live(site: Site) -> float:
    """Return the median seconds from a commit until it is told to each of 100 viewers."""
    from healthmon.store.connection import open_for_writing  # noqa: PLC0415

    told: list[float] = []
    connections = [http.client.HTTPConnection("127.0.0.1", site.port, timeout=60) for _ in range(VIEWERS)]
    answers = []
    for connection in connections:
        connection.request("GET", "/api/v1/events")
        answers.append(connection.getresponse())
    for answer in answers:
        while answer.readline().strip() != b"event: beat":
            pass
    database = open_for_writing(site.config.paths.database)

    def listen(answer: http.client.HTTPResponse) -> None:
        while answer.readline().strip() != b"event: service":
            pass
        told.append(time.perf_counter() - started)

    threads = [threading.Thread(target=listen, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    state = ServiceState(service_id=7, status=ServiceStatus.UNHEALTHY, last_checked_at=clock.now())
    with database.transaction(durable=True):
        states.save(database, [(state, Uptime())])
        checks.newest_at(database)
    started = time.perf_counter()
    for thread in threads:
        thread.join(60)
    for connection in connections:
        connection.close()
    database.close()
    return statistics.median(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--services", type=int, nargs="*", default=[17, 1_000])
    parser.add_argument("--json", type=Path, help="write the results here, too")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    print(f"Python {platform.python_version()}, medians of {options.rounds} rounds")
    for count in options.services:
        with tempfile.TemporaryDirectory(prefix="hm-") as directory, served(Path(directory), count) as site:
            for path in PATHS:
                found = [ask(site, path) for _ in range(options.rounds)]
                took, packed, size = statistics.median(one[0] for one in found), found[-1][1], found[-1][2]
                results[f"{count} {path}"] = {"seconds": took, "packed_bytes": packed, "bytes": size}
                print(f"{count:>6} services  {path:<52}{took * 1000:8.1f} ms {packed / 1000:9.1f} KB packed {size / 1000:9.1f} KB")
            took = live(site)
            results[f"{count} live"] = {"seconds": took, "viewers": VIEWERS}
            print(f"{count:>6} services  a change told to {VIEWERS} viewers{' ' * 26}{took * 1000:8.1f} ms")
    if options.json:
        options.json.write_text(json.dumps({"python": platform.python_version(), **results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
