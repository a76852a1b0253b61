"""The power is cut, and the disk keeps only what it had been made to keep: F37, and the control that must lose."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from tests.containers import wait_for
from tests.faults import power, power_lives
from tests.faults.agents import held
from tests.faults.disks import DiskAgent, alternating
from tests.faults.harness import row, since
from tests.faults.notes import count, figures
from tests.faults.telling import hook, none_waits
from tests.hostile import Server
from tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.faults.power import Disk
    from tests.faults.power_lives import Life

CUTS, CI_CUTS, CONTROL_CUTS, AGENT_CUTS = 100, 5, 3, 10
LIFE_S = (0.1, 0.8)  # the moment of the cut is chance


@dataclass(kw_only=True)
class Toll:
    """What came of some cuts: how many rows were acknowledged, how many of them were lost, the slowest start after one."""

    acknowledged: int = 0
    lost: int = 0
    worst_s: float = 0.0


def _cut_often(cuts: int, *, durably: bool) -> Toll:
    toll = Toll()
    with power.disk() as disk:
        config = power_lives.prepare(disk.point)
        os.sync()  # what is there before is not at stake
        for _ in range(cuts):
            before = _highest(config.paths.database)
            told = _acknowledged_until_cut(disk, power_lives.live(config, durably=durably))
            began = time.monotonic()
            disk.revive()
            found = _highest(config.paths.database)
            toll.worst_s = max(toll.worst_s, since(began))
            toll.acknowledged += sum(told[table] - before[table] for table in told)
            toll.lost += sum(max(0, told[table] - found[table]) for table in told)
    return toll


def _acknowledged_until_cut(disk: Disk, life: Life) -> Mapping[str, int]:
    """Cut the power at a chance moment of a life, and return what it had acknowledged before that."""
    text = b""
    cut_at = None
    while cut_at is None or time.monotonic() < cut_at:
        try:
            piece = os.read(life.pipe, 65_536)
            assert piece, "the writer ended by itself"
            text += piece
            cut_at = cut_at or time.monotonic() + random.uniform(*LIFE_S)
        except BlockingIOError:
            time.sleep(0.001)
    disk.cut()
    os.kill(life.pid, signal.SIGKILL)
    os.waitpid(life.pid, 0)
    os.close(life.pipe)
    newest: dict[str, int] = json.loads(text[: text.rindex(b"\n")].rpartition(b"\n")[2])
    return {table: number or 0 for table, number in newest.items()}


def _highest(database: Path) -> dict[str, int]:
    """Open the database as the next boot does; return the highest number in each table, once it is known to be whole."""
    db = apsw.Connection(str(database))
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the database is damaged"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == [], "a row points to one that is lost"
        found = {}
        for table, key in power_lives.ACKNOWLEDGED.items():
            [(highest, count)] = db.execute(f"SELECT coalesce(max({key}), 0), count(*) FROM {table}")
            assert count == highest, f"{table} has {count} rows, and a number {highest}"
            found[table] = int(highest)
        return found
    finally:
        db.close()


def _nothing_lost(cuts: int) -> float:
    toll = _cut_often(cuts, durably=True)
    figures(cuts=cuts, acknowledged=toll.acknowledged, lost=toll.lost)
    count(messages=toll.acknowledged, lost=toll.lost)
    assert toll.lost == 0, f"{toll.lost} of {toll.acknowledged} acknowledged rows are lost"
    return toll.worst_s


@row("F37", f"the power is cut {CI_CUTS} times: no alert, conversation or message is lost that was committed, the database is whole", bound_s=15, alone=True)
def power_cuts() -> float:
    return _nothing_lost(CI_CUTS)


@row("F37-100", f"the same {CUTS} times", bound_s=15, in_ci=False)
def many_power_cuts() -> float:
    return _nothing_lost(CUTS)


@row("F37-control", "a planted bug (alerts are committed without waiting for the disk) loses some, and the same harness finds them", bound_s=15, alone=True)
def control() -> float:
    toll = _cut_often(CONTROL_CUTS, durably=False)
    figures(acknowledged=toll.acknowledged, lost=toll.lost)
    assert toll.lost > 0, f"nothing was lost of {toll.acknowledged}: the harness is blind"
    return toll.worst_s


@row("F37-agent", f"the power is cut under the whole agent, {AGENT_CUTS} times: soon ready, and what people were told of is known", bound_s=15, in_ci=False, alone=True)
def cut_under_an_agent() -> float:
    worst, heard = 0.0, set()
    rule = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
    with power.disk() as disk, Receiver() as receiver, Server(alternating) as fickle:
        alerting = {**hook(receiver), "grouping": {"wait_seconds": 0, "interval_seconds": 0}, "rate_limit_per_10_minutes": 10_000}
        services = [{"name": f"s{number}", "url": fickle.url, "group": "core", "confirmations": 0, "interval_seconds": 0.3, "timeout_seconds": 0.3} for number in range(8)]
        host = DiskAgent(disk.point, services, alerting=alerting, alert_rules=[rule])
        with held(host):
            os.sync()  # the configuration, which no agent has written, is not at stake
            for _ in range(AGENT_CUTS):
                host.wait_until_running()
                told = len(receiver.requests)
                wait_for(lambda: len(receiver.requests) > told, timeout_s=30, what="a message")  # noqa: B023  used at once
                time.sleep(random.uniform(0, 1.5))  # the moment is the fault
                heard = {request.key for request in receiver.requests}
                host.before.remember(host.paths.database)  # what others can read was flushed
                disk.cut()
                host.kill_everything()
                disk.revive()
                worst = max(worst, _ready_again(host, heard))
            wait_for(lambda: none_waits(host), timeout_s=30, what="the queue to empty")
    figures(cuts=AGENT_CUTS, heard=len(heard))
    return worst


def _ready_again(host: DiskAgent, heard: set[str]) -> float:
    """Start it as the next boot does. A message's number stands in its key: each that was heard of must be known."""
    began = time.monotonic()
    host.start()
    host.wait_until_running()
    host.wait_for_checks(above=host.checks())
    took = since(began)
    assert host.rows("PRAGMA integrity_check") == [("ok",)], "the database is damaged"
    known = {number for (number,) in host.rows("SELECT notification_id FROM notifications")}
    forgotten = {key for key in heard if int(key.rsplit("-", 2)[1]) not in known}
    assert not forgotten, f"{len(forgotten)} messages that people got are forgotten"
    return took
