"""One evaluator on one real database, with as many services as a test wants, each on a container of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.target import Incarnation
from healthmon.store import heals, incidents, services, targets
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_config, a_target
from tests.processes.evaluator_world import BAD, EAGER, GOOD, World

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from healthmon.model.heal import Heal


CALM = {"interval_seconds": 3_600.0, "timeout_seconds": 10.0, "retry_interval_seconds": 20.0}  # looks come when a test makes them


class Crowd(World):
    """Services are known by their names. All are healthy, and their containers have run for two hours."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, *wanted: dict[str, Any], **self_healing: Any) -> None:
        super().__init__(path)
        filled = [{"url": f"http://localhost:{number + 1}", **CALM, **one} for number, one in enumerate(wanted)]
        self.config = a_config(path, *filled, self_healing=EAGER | self_healing, alert_rules=[], max_consecutive_failures=1_000_000)
        found = services.sync(self.connection, [(one["name"], "default", one.get("critical", False)) for one in filled], now=NOW)
        self.ids = {name: service.service_id for name, service in found.items()}
        self.names = {sid: name for name, sid in self.ids.items()}
        self.set_clocks(monkeypatch)
        self.evaluator = self.a_new_evaluator()
        for name in self.ids:
            self.publish_one(name)
            self.look(GOOD, service_id=self.ids[name])
        self.step()

    def publish_one(self, name: str, **changes: Any) -> None:
        run = Incarnation(target_id=f"{self.ids[name]:064d}", started="the first run")
        target = a_target(**{"incarnation": run, "name": name, "observed_at": self.now} | changes)
        targets.publish(self.connection, {self.ids[name]: TargetReport(observed_at=self.now, target=target, matched_by="container")})

    def look(self, reason: CheckReason, kind: CheckKind = CheckKind.SCHEDULED, service_id: int = 1, response_time_s: float = 0.01) -> None:
        """Many look at the same time, nearly."""
        self.now -= timedelta(seconds=0.99)
        super().look(reason, kind, service_id, response_time_s)

    def fall_ill(self, *names: str) -> None:
        """Have them fail, confirmed, in the same step."""
        for _ in range(3):
            for name in names:
                self.look(BAD, service_id=self.ids[name])
        self.step()

    def recover(self, *names: str) -> None:
        for name in names:
            self.look(GOOD, service_id=self.ids[name])
        self.step()

    def heal_one(self, name: str, *, helps: bool, after_s: float = 100.0) -> None:
        """What the healer does about a planned restart, and what the new run is like."""
        [heal] = [heal for heal in heals.open_heals(self.connection) if heal.service_id == self.ids[name]]
        new = Incarnation(target_id=heal.incarnation.target_id, started=f"run of heal {heal.heal_id}")
        heals.issue(self.connection, heal.heal_id, at=self.now)
        heals.mark_returned(self.connection, heal.heal_id, at=self.now, new=new, detail="restarted")
        self.now += timedelta(seconds=1)
        self.publish_one(name, incarnation=new, started_at=self.now)
        self.step()
        for _ in range(3):
            self.look(GOOD if helps else BAD, service_id=self.ids[name])
        self.step()
        if not helps:
            self.pass_time(after_s)

    def stay_ill(self, *names: str, seconds: float, every_s: float = 10.0) -> None:
        """Let time pass, in which these fail look after look."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.pass_time(every_s)
            for name in names:
                self.look(BAD, service_id=self.ids[name])
            self.step()

    def heals_of(self, *states: str) -> list[tuple[str, str]]:
        """Return whose heals are in these states, oldest first; without states, all."""
        return [(self.names[one.service_id], one.state.value) for one in self.ledger() if not states or one.state.value in states]

    def ledger(self) -> list[Heal]:
        return list(reversed(heals.recent(self.connection, limit=1_000)))

    def healing_of(self, name: str) -> str:
        """Return what people are told of the healing of an ill service."""
        [found] = [one for one in incidents.open_incidents(self.connection) if one.service_id == self.ids[name]]
        return found.healing or ""
