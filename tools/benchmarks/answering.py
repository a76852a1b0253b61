"""How long do report, dashboard and service levels take, by how many services there are and how many days of history?"""

from __future__ import annotations

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import histories  # beside this file

from healthmon.answers import slo
from healthmon.answers.report import read_dashboard, read_report
from healthmon.config import Config
from healthmon.store import history
from healthmon.store.opening import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVICES = (17, 1_000)
AGES = (3, 90)  # days of history
KEPT = 30  # of the last so many days there are checks, as the agent keeps them
LEVELS = 30  # days of service levels


def measure(directory: Path, rounds: int, kept: int) -> dict[str, Any]:
    """Return what report, dashboard and service levels take, by how many services there are and how many days of history.

    Checks are there of the last `kept` days; with 30 of them, the large one takes four gigabytes.
    """
    found: dict[str, Any] = {}
    for count in SERVICES:
        for days in AGES:
            path = directory / f"answers-{count}-{days}.db"
            if not path.exists():
                histories.aged(path, count, days=days, kept=kept).close()
            found[f"{count} services, {days} days"] = _answered(path, _config(directory, count), rounds)
    return found


def _answered(path: Path, config: Config, rounds: int) -> dict[str, Any]:
    """Return milliseconds of the clock, and of CPU, of each answer; a page asks on a connection that is open."""
    connection = open_for_reading(path)
    now = datetime.now(UTC)
    work: dict[str, Callable[[], object]] = {
        "report": lambda: json.dumps(read_report(connection, config)),
        "dashboard": lambda: json.dumps(read_dashboard(connection, config)),
        "slo of 30 days": lambda: json.dumps(slo.read(connection, config, slo.last_days(now, LEVELS))),
        "one service's 30 days": lambda: history.between(connection, [1], now - timedelta(days=LEVELS), now),
        "one service's 90 days": lambda: history.between(connection, [1], now - timedelta(days=90), now),
    }
    found: dict[str, Any] = {name: _median_ms(one, rounds) for name, one in work.items()}
    connection.close()
    return found | {"database MiB": round(path.stat().st_size / 2**20)}


def _config(directory: Path, count: int) -> Config:
    listed = [
        {"name": f"service_{number:04}", "url": "http://localhost:1/", "interval_seconds": 30, "timeout_seconds": 10, "retry_interval_seconds": 2}
        for number in range(count)
    ]
    return Config.model_validate_json(json.dumps({"services": listed, "data_dir": str(directory)}))


def _median_ms(work: Callable[[], object], rounds: int) -> dict[str, float]:
    took, used = [], []
    for _ in range(max(5, rounds)):
        started, began = time.perf_counter(), time.process_time()
        work()
        took.append(1_000 * (time.perf_counter() - started))
        used.append(1_000 * (time.process_time() - began))
    return {"ms": round(statistics.median(took), 2), "CPU ms": round(statistics.median(used), 2)}
