"""A healer and an evaluator on one database and the real engine, stepped by the test: what the two do together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.engine import NoEngine
from healthmon.log import Log
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.evaluator import Evaluator
from healthmon.processes.healer import Healer
from healthmon.processes.prober import Prober
from healthmon.store import heals, incidents, services, states
from healthmon.store.opening import create_or_open, open_for_writing
from tests.builders import a_config
from tests.processes.evaluator_world import EAGER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.model.status import ServiceState
    from healthmon.processes.worker import Worker

STEP_S = 0.02


class HealWorld:
    """The services are what the test says; all clocks of healing are zero unless it says otherwise."""

    def __init__(self, path: Path, *described: dict[str, Any], settings: dict[str, Any] | None = None, **self_healing: Any) -> None:
        self.config = a_config(path, *described, self_healing=EAGER | {"storm_guard": False} | self_healing, **{"alert_rules": []} | (settings or {}))
        self.connection = create_or_open(self.config.paths.database)
        wanted = self.config.enabled_services()
        self.ids = {
            name: one.service_id
            for name, one in services.sync(self.connection, [(one.name, one.group, one.critical) for one in wanted], now=clock.now()).items()
        }
        self.engine = DockerEngine(Log("healer"))
        self.doorbell = Doorbell()
        self.healer = Healer(self.config, self.doorbell, self._open(), Log("healer"), docker=self.engine, supervisor=NoEngine("none"))
        self.evaluator = Evaluator(self.config, self._open(), Log("evaluator"))
        probers = [
            Prober(members, self._open(), self.doorbell, group=group, evaluator=self.config.paths.doorbell("evaluator"))
            for group, members in self.config.probed_groups().items()
        ]
        self.workers: tuple[Worker, ...] = (*probers, self.healer, self.evaluator)

    def _open(self) -> Any:
        return open_for_writing(self.config.paths.database)

    def step(self) -> None:
        for worker in self.workers:
            worker.step()

    def wait_until(self, done: Callable[[], Any], *, what: str, timeout_s: float = 40.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}; {self.told()}"
            self.step()
            time.sleep(STEP_S)

    def go_on_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.wait_until(lambda: time.monotonic() >= until, what="the time", timeout_s=seconds + 5)

    def state(self, name: str) -> ServiceState | None:
        return states.load(self.connection).get(self.ids[name])

    def status(self, name: str) -> str:
        state = self.state(name)
        return "never seen" if state is None else state.status.value

    def incident(self, name: str) -> Incident | None:
        return next((one for one in incidents.open_incidents(self.connection) if one.service_id == self.ids[name]), None)

    def healing(self, name: str) -> str:
        incident = self.incident(name)
        return "" if incident is None else incident.healing or ""

    def firing(self) -> set[str]:
        rows = self.connection.rows("SELECT alert_type FROM alert_log WHERE resolved_at IS NULL")
        return {str(row[0]) for row in rows}

    def heals(self) -> list[Heal]:
        return heals.recent(self.connection, limit=100)[::-1]

    def states_of_heals(self) -> list[str]:
        return [heal.state.value for heal in self.heals()]

    def told(self) -> str:
        about = ", ".join(f"{name}: {self.status(name)} ({self.healing(name)})" for name in self.ids)
        return f"{about}; heals {self.states_of_heals()}"

    def close(self) -> None:
        for worker in self.workers:
            worker.close()
        self.connection.close()
        self.doorbell.close()
