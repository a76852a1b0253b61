"""How long do report, dashboard and service levels take, by how many services there are and how many days of history?"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import histories  # beside this file

from healthmon import clock
from healthmon.answers import slo
from healthmon.answers.report import read_dashboard, read_report
from healthmon.config import Config
from healthmon.store import history, looks
from healthmon.store.opening import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from healthmon.store.connection import Connection

SERVICES = (17, 1_000)
AGES = (3, 90)  # days of history
KEPT = 30  # of the last so many days there are checks, as the agent keeps them
LEVELS = 30  # days of service levels


def measure(directory: Path, rounds: int, kept: int) -> dict[str, Any]:
    """Return what report, dashboard and service levels take, by how many services there are and how many days of history.

    Checks are there of the last `kept` days; with 30 of them, the large one takes four gigabytes. Those of the last ten minutes are in
    no hour yet, as they are just before the keeper counts. Short and long history are asked by turns.
    """
    found: dict[str, Any] = {"days of checks": kept}
    for count in SERVICES:
        paths = {days: directory / f"answers-{count}-{days}.db" for days in AGES}
        for days, path in paths.items():
            if not path.exists():
                histories.aged(path, count, days=days, kept=kept).close()
        took = _by_turns(paths, _config(directory, count), rounds)
        for days, path in paths.items():
            found[f"{count} services, {days} days"] = took[days] | {"database MiB": round(path.stat().st_size / 2**20)}
        found[f"{count} services, {AGES[1]} days against {AGES[0]}"] = {
            name: round(took[AGES[1]][name]["ms"] / one["ms"], 2) for name, one in took[AGES[0]].items()
        }
    return found


def _by_turns(paths: Mapping[int, Path], config: Config, rounds: int) -> dict[int, dict[str, dict[str, float]]]:
    """Return milliseconds of the clock, and of CPU, of each answer from each database; a page asks on a connection that is open."""
    opened = {days: open_for_reading(path) for days, path in paths.items()}
    works = {days: _works(connection, config) for days, connection in opened.items()}
    took: dict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    for number in range(max(5, rounds) + 1):
        for days, work in works.items():
            _set_clock(opened[days])
            for name, one in work.items():
                started, began = time.perf_counter(), time.process_time()
                one()
                if number > 0:  # the first reads the file
                    took[days, name].append((1_000 * (time.perf_counter() - started), 1_000 * (time.process_time() - began)))
    for connection in opened.values():
        connection.close()
    return {days: {name: _medians(took[days, name]) for name in work} for days, work in works.items()}


def _works(connection: Connection, config: Config) -> dict[str, Callable[[], object]]:
    return {
        "report": lambda: json.dumps(read_report(connection, config)),
        "dashboard": lambda: json.dumps(read_dashboard(connection, config)),
        "slo of 30 days": lambda: json.dumps(slo.read(connection, config, slo.last_days(clock.now(), LEVELS))),
        "one service's 30 days": lambda: history.between(connection, [1], clock.now() - timedelta(days=LEVELS), clock.now()),
        "one service's 90 days": lambda: history.between(connection, [1], clock.now() - timedelta(days=90), clock.now()),
    }


def _set_clock(connection: Connection) -> None:
    """Let it be the moment of the newest check: a database that lies there for an hour is asked as one that is written to."""
    newest = looks.newest_at(connection)
    if newest is not None:
        clock.now = lambda: newest


def _config(directory: Path, count: int) -> Config:
    listed = [
        {"name": f"service_{number:04}", "url": "http://localhost:1/", "interval_seconds": 30, "timeout_seconds": 10, "retry_interval_seconds": 2}
        for number in range(count)
    ]
    return Config.model_validate_json(json.dumps({"services": listed, "data_dir": str(directory)}))


def _medians(took: Sequence[tuple[float, float]]) -> dict[str, float]:
    wall, used = zip(*took, strict=True)
    return {"ms": round(statistics.median(wall), 2), "CPU ms": round(statistics.median(used), 2)}
