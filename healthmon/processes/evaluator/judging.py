"""The part of the evaluator that says whether a restart helped. How that is told is in heal/verification.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.heal.verification import judge
from healthmon.model.heal import HealState
from healthmon.store import checks, heals, probe_requests, targets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.settings import HealSettings
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection
    from healthmon.store.targets import TargetReport

LOOKS_JUDGED = 50
MIN_EVERY_S = 0.1


class Judging:
    """The open heals, and the verdicts on those that have returned."""

    def __init__(
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        settings: HealSettings,
        log: Log,
    ) -> None:
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self._settings = {sid: settings.for_service(configured.heal) for sid, (_, configured) in self._services.items()}
        self._log = log
        self.open: dict[int, Heal] = {}
        self._asked: set[int] = set()
        self._groups_to_wake: set[str] = set()

    def judge(self, connection: Connection, now: datetime) -> None:
        """Read the open heals, and close those that fresh looks at the new incarnation have decided."""
        self.open = {heal.service_id: heal for heal in heals.open_heals(connection)}
        if not self.open:
            return
        reports = targets.of_services(connection, self.open)
        for heal in list(self.open.values()):
            if heal.state is HealState.RETURNED and heal.service_id in self._services:
                self._judge_one(connection, heal, reports.get(heal.service_id), now)

    def groups_to_wake(self) -> set[str]:
        """Return, once, the groups of services that are to be looked at more often now."""
        groups, self._groups_to_wake = self._groups_to_wake, set()
        return groups

    def _judge_one(self, connection: Connection, heal: Heal, report: TargetReport | None, now: datetime) -> None:
        sid, returned_at = heal.service_id, heal.returned_at or now
        verdict = judge(
            heal,
            looks=checks.looks_since(connection, sid, returned_at, limit=LOOKS_JUDGED),
            target=None if report is None else report.target,
            settings=self._settings[sid],
            now=now,
        )
        if verdict.state is None:
            self._ask_for_looks(connection, heal, verdict.until)
            return
        heals.close(connection, heal, verdict.state, at=now, detail=verdict.detail)
        probe_requests.withdraw(connection, sid)
        del self.open[sid]
        write = self._log.change if verdict.state is HealState.VERIFIED else self._log.warning
        service, _ = self._services[sid]
        write(f"heal_{verdict.state.value}", service=service.name, attempt=heal.attempt, detail=verdict.detail)

    def _ask_for_looks(self, connection: Connection, heal: Heal, until: datetime) -> None:
        if heal.heal_id in self._asked:
            return
        _, configured = self._services[heal.service_id]
        every_s = max(MIN_EVERY_S, configured.retry_interval_seconds)
        probe_requests.ask(connection, heal.service_id, every_s=every_s, until=until)
        self._asked.add(heal.heal_id)
        self._groups_to_wake.add(configured.group)
