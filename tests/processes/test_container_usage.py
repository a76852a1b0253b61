"""What containers use on a real Docker Engine, as rules see it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.engine import NoEngine
from healthmon.log import Log
from healthmon.model.check import CheckReason
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.evaluator import Evaluator
from healthmon.processes.healer import Healer
from healthmon.processes.healer.measuring import Measuring
from healthmon.store import alerts, checks, container_usage, services, targets
from healthmon.store.opening import create_or_open, open_for_writing
from healthmon.store.targets import TargetReport
from tests.builders import a_check, a_config
from tests.containers import STOPS_AT_ONCE, Docker, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.model.usage import Usage
    from healthmon.store.connection import Connection

LIMIT_MIB, HELD_MIB = 100, 50
BURNS = ("sh", "-c", "while :; do :; done")
MIB = 2**20


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    made = DockerEngine(Log("test"))
    yield made
    made.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("one", "default", True), ("two", "default", True)], now=clock.now())
    yield opened
    opened.close()


def usages(database: Connection) -> dict[int, Usage]:
    return container_usage.load(database, since=clock.now() - timedelta(minutes=1))


def test_a_container_that_burns_and_one_that_holds_memory_are_told(
    docker: Docker, engine: DockerEngine, database: Connection, tmp_path: Path
) -> None:
    """Half a core is burnt, and what lies in a tmpfs is memory that nobody can take back: no cache."""
    burning = docker.run(*BURNS, options=("--cpus", "0.5"))
    holding = docker.run("sleep", "1000", options=("--memory", f"{LIMIT_MIB}m", "--tmpfs", f"/held:size={2 * HELD_MIB}m"))
    docker.cli("exec", holding, "sh", "-c", f"cat /dev/zero | head -c {HELD_MIB * MIB} > /held/file")
    found = {sid: TargetReport(observed_at=clock.now(), target=engine.look(one), matched_by="container") for sid, one in ((1, burning), (2, holding))}
    targets.publish(database, found)
    measuring = Measuring(tmp_path / "health_monitoring.db", engine, Log("test"))
    measuring.measure(database)
    assert [one.cpu_percent for one in usages(database).values()] == [None, None]
    wait_for(lambda: _again(measuring, database), timeout_s=20.0, what="half a core")
    seen = usages(database)
    assert HELD_MIB * 0.95 <= seen[2].memory_percent <= HELD_MIB * 1.2
    assert seen[2].cpu_percent is not None
    assert seen[2].cpu_percent < 20
    assert 0 < seen[1].memory_percent < 5
    docker.cli("kill", burning)
    measuring.measure(database)
    assert set(usages(database)) == {2}


def _again(measuring: Measuring, database: Connection) -> bool:
    measuring.measure(database)
    return 25 <= (usages(database)[1].cpu_percent or 0) <= 75


@pytest.mark.parametrize("condition", ["memory_usage > 0", "unhealthy"])
def test_the_engine_is_asked_when_a_rule_asks_and_else_not(docker: Docker, tmp_path: Path, condition: str) -> None:
    name = docker.name()
    docker.run(*STOPS_AT_ONCE, name=name)
    rule = {"name": "asks", "condition": condition, "severity": "warning"}
    config = a_config(tmp_path, {"name": "web", "url": "http://localhost:1", "container": name}, alert_rules=[rule])
    database = create_or_open(config.paths.database)
    services.sync(database, [("web", "default", True)], now=clock.now())
    doorbell = Doorbell()
    healer = Healer(config, doorbell, open_for_writing(config.paths.database), Log("healer"), docker=DockerEngine(Log("healer")), supervisor=NoEngine("none"))
    evaluator = Evaluator(config, open_for_writing(config.paths.database), Log("evaluator"))
    try:
        healer.step()
        if condition == "unhealthy":
            assert healer._measuring is None
            return
        wait_for(lambda: usages(database), timeout_s=20.0, what="a figure")
        checks.append(database, [a_check(CheckReason.OK, at=clock.now())])
        evaluator.step()
        assert [alert.alert_type for alert in alerts.firing(database)] == ["asks"]
    finally:
        evaluator.close()
        healer.close()
        database.close()
        doorbell.close()
