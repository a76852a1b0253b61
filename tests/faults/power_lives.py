"""The short lives of an evaluator on a disk whose power is cut: `live(...)` is one, in a fork, up to its violent end.

Services fall ill and are well again as fast as it can evaluate. After each step it says which alerts and messages it has
committed: from then on they must be there, whatever happens. Checks are committed beside them, without a flush, as probes do.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.log import Log
from healthmon.model.check import CheckReason
from healthmon.processes.evaluator import Evaluator
from healthmon.store import checks, services
from healthmon.store.connection import Connection
from healthmon.store.opening import create_or_open, open_for_working
from tests.builders import a_check, a_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.model.check import Check

SERVICES = 40
# What a step may have acknowledged, and its numbers.
ACKNOWLEDGED = {"alert_log": "alert_id", "conversations": "conversation_id", "notifications": "notification_id", "deliveries": "delivery_id"}
RULE = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
CHANNEL = {"enabled": True, "url": "http://127.0.0.1:1/"}


@dataclass(frozen=True, kw_only=True)
class Life:
    """One process that writes, and the pipe it acknowledges through."""

    pid: int
    pipe: int


def prepare(directory: Path) -> Config:
    """Make the database, and return the configuration of what writes into it."""
    named = [{"name": f"svc-{number}", "url": "http://127.0.0.1:1/", "confirmations": 0} for number in range(SERVICES)]
    alerting = {"webhook_notifications": CHANNEL, "grouping": {"wait_seconds": 0, "interval_seconds": 0}, "rate_limit_per_10_minutes": 10_000}
    config = a_config(
        directory,
        *named,
        self_healing={"enabled": False},
        alert_rules=[RULE],
        alerting=alerting,
        max_consecutive_failures=1_000_000,
    )
    connection = create_or_open(config.paths.database)
    services.sync(connection, [(str(one["name"]), "default", False) for one in named], now=clock.now())
    connection.close()
    return config


def live(config: Config, *, durably: bool) -> Life:
    """Begin a life. A planted bug: not `durably`, alerts are committed as checks are, without waiting for the disk."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        os.set_blocking(read, False)
        return Life(pid=pid, pipe=read)
    try:
        if not durably:
            Connection.transaction = _never_durable  # type: ignore[method-assign]
        _write(config, write)
    finally:
        os._exit(1)  # the disk is gone


_transaction = Connection.transaction


@contextmanager
def _never_durable(self: Connection, *, durable: bool) -> Iterator[None]:  # noqa: ARG001  what it stands in for has it
    with _transaction(self, durable=False):
        yield


def _write(config: Config, acknowledge: int) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    connection = open_for_working(config.paths.database)
    prober = open_for_working(config.paths.database)
    evaluator = Evaluator(config, connection, Log("evaluator"))
    turn = os.getpid()  # another service is the first in each life
    while True:
        turn += 1
        ill = turn % SERVICES + 1  # one after the other: who falls ill often is flapping, and that is told once
        looks = [_look(number, is_ill=number == ill) for number in range(1, SERVICES + 1)]
        checks.append(prober, looks)
        evaluator.step()
        told = {table: connection.rows(f"SELECT max({key}) FROM {table}")[0][0] for table, key in ACKNOWLEDGED.items()}
        os.write(acknowledge, json.dumps(told).encode() + b"\n")


def _look(service_id: int, *, is_ill: bool) -> Check:
    error = "expected 200, got 500 Internal Server Error" if is_ill else None
    reason = CheckReason.STATUS if is_ill else CheckReason.OK
    return a_check(reason, at=clock.now(), service_id=service_id, error_message=error)
