"""Evidence from a real engine that is silent, fails or talks nonsense: it costs its part, and five seconds at most."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.heal.docker_engine import DockerEngine
from healthmon.log import Log
from healthmon.model.check import CheckReason
from healthmon.model.heal import HealState
from healthmon.processes.healer.securing import Securing
from healthmon.store import forensics, heals, incidents, services
from healthmon.store.opening import create_or_open
from tests.builders import a_heal
from tests.containers import STOPS_AT_ONCE, Docker
from tests.faults import engine_faults
from tests.faults.engine_proxy import EngineProxy

if TYPE_CHECKING:

    from healthmon.model.forensics import Part
    from tests.faults.engine_faults import Fault

NONSENSE = engine_faults.answering(b'{"Titles": 5, "Processes": null}')
BROKEN = engine_faults.answering(b'{"message": "disk on fire"}', status="500 Internal Server Error")
TRUNCATED = engine_faults.answering(b'{"Titles": ["PID"', length=4_000)


def secured(docker: Docker, tmp_path: Path, **faults: Fault) -> tuple[dict[str, Part], float]:
    """Keep the evidence before a restart, with these questions broken; return its parts by name, and how long it took."""
    container = docker.run(*STOPS_AT_ONCE)
    proxy = EngineProxy(tmp_path / "engine.sock", Path("/var/run/docker.sock"))
    engine = DockerEngine(Log("test"), environment={"DOCKER_HOST": proxy.host})
    connection = create_or_open(tmp_path / "health_monitoring.db")
    try:
        services.sync(connection, [("s", "default", True)], now=clock.now())
        now = clock.now()
        at = {"started_at": now, "detected_at": now, "episode_started_at": now}
        incidents.open_incident(connection, 1, **at, reason=CheckReason.STATUS, error_message=None)
        run = engine.look(container).incarnation
        heal_id = heals.add(connection, a_heal(HealState.PLANNED, incarnation=run, planned_at=now))
        for word, fault in faults.items():
            proxy.break_(f"/{word}?" if word == "logs" else f"/{word}", fault)
        began_s = time.monotonic()
        securing = Securing(engine, connection.path, {}, Log("test"), on_kept=lambda: None)
        securing.before(heals.get(connection, heal_id), connection)
        took_s = time.monotonic() - began_s
        [kept] = forensics.of_incident(connection, 1)
        return {part.name: part for part in kept.parts}, took_s
    finally:
        connection.close()
        engine.close()
        proxy.close()


def test_all_of_it_is_there_within_the_time_that_a_restart_may_take(docker: Docker, tmp_path: Path) -> None:
    parts, took_s = secured(docker, tmp_path)
    assert {"container", "log", "processes", "events", "checks", "host"} <= parts.keys()
    assert not [name for name, part in parts.items() if part.problem and name not in {"usage", "more"}]
    assert took_s < 2.5  # 0.05 s where nothing else is done


@pytest.mark.parametrize(
    ("fault", "said"),
    [(BROKEN, "disk on fire"), (TRUNCATED, "processes"), (NONSENSE, "is not understood")],
    ids=["fails", "truncated", "nonsense"],
)
def test_a_part_that_the_engine_cannot_tell_says_so_and_the_others_stand(docker: Docker, tmp_path: Path, fault: Fault, said: str) -> None:
    parts, took_s = secured(docker, tmp_path, top=fault)
    assert said in parts["processes"].problem
    assert parts["container"].lines
    assert took_s < 4


def test_silence_costs_five_seconds_and_leaves_what_came_before_it(docker: Docker, tmp_path: Path) -> None:
    parts, took_s = secured(docker, tmp_path, logs=engine_faults.silent)
    assert parts["container"].lines
    assert parts["host"].lines
    assert parts["more"].problem == "the engine has not answered all in time"
    assert 4.5 < took_s < 6.5
