"""The part of the evaluator that says whether a restart helped. How that is told is in heal/verification.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.heal.network_sharers import followers
from healthmon.heal.starting import grace, learned_grace_s
from healthmon.heal.verification import GOOD_LOOKS, judge
from healthmon.model.heal import HealState
from healthmon.settings import HEALER_PROGRAM
from healthmon.store import facts, heals, looks, network_sharers, probe_requests, target_starts, targets

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
        self.following: list[Heal] = []  # of containers that use the network of one that was restarted
        self._to_wake: set[str] = set()

    def load(self, connection: Connection) -> None:
        found = heals.open_heals(connection)
        self.open = {heal.service_id: heal for heal in found if heal.follows is None}
        self.following = [heal for heal in found if heal.follows is not None]

    def judge(self, connection: Connection, now: datetime) -> None:
        """Read the open heals, and close those that fresh looks at the new incarnation have decided."""
        self.load(connection)
        returned = [heal for heal in (*self.open.values(), *self.following) if heal.state is HealState.RETURNED]
        if not returned:
            return
        reports = targets.of_services(connection, {heal.service_id for heal in returned})
        for heal in returned:
            problem = self._unjudged(heal, reports.get(heal.service_id))
            if problem:
                heals.close(connection, heal, HealState.INCONCLUSIVE, at=now, detail=problem)
                self._forget(heal)
            else:
                self._judge_one(connection, heal, reports.get(heal.service_id), now)

    def _unjudged(self, heal: Heal, report: TargetReport | None) -> str:
        """Return why no looks can tell whether a restart helped; nothing where they can."""
        if heal.service_id not in self._services:
            return "the service is not watched any more"
        target = None if report is None else report.target
        is_another = target is not None and target.incarnation.target_id != heal.incarnation.target_id
        return "it was restarted; no service watches it" if heal.follows is not None and is_another else ""

    def _forget(self, heal: Heal) -> None:
        if heal.follows is None:
            del self.open[heal.service_id]
        else:
            self.following.remove(heal)

    def _have_followed(self, connection: Connection, heal: Heal, now: datetime) -> None:
        """Plan, in the action that has just helped, the restarts of what used the container's network."""
        busy = {one.incarnation.target_id for one in (*self.open.values(), *self.following)}
        for follower in followers(heal, network_sharers.of_provider(connection, heal.incarnation.target_id), now):
            if follower.incarnation.target_id not in busy:
                self.following.append(replace(follower, heal_id=heals.add(connection, follower)))
                self._to_wake.add(HEALER_PROGRAM)
                self._log.change("heal_follows", target=follower.target_name, provider=heal.target_name)

    def programs_to_wake(self) -> set[str]:
        """Return, once, the programs that have more to look at now."""
        programs, self._to_wake = self._to_wake, set()
        return programs

    def _judge_one(self, connection: Connection, heal: Heal, report: TargetReport | None, now: datetime) -> None:
        sid, returned_at = heal.service_id, heal.returned_at or now
        target = None if report is None else report.target
        learned = 0.0 if target is None else learned_grace_s(target_starts.seconds_to_answer(connection, sid, target.image_id))
        verdict = judge(
            heal,
            looks=looks.statuses_between(
                connection,
                sid,
                returned_at,
                now,
                limit=LOOKS_JUDGED,
                asked_for_only=_is_relived(connection, now),
            ),
            target=target,
            grace=grace(self._settings[sid], target, learned),
            now=now,
        )
        if verdict.state is None:
            self._ask_for_looks(connection, heal, verdict.until, now)
            return
        heals.close(connection, heal, verdict.state, at=now, detail=verdict.detail)
        probe_requests.withdraw(connection, sid)
        self._forget(heal)
        if verdict.state is HealState.VERIFIED and heal.follows is None:
            self._have_followed(connection, heal, now)
        write = self._log.change if verdict.state is HealState.VERIFIED else self._log.warning
        service, _ = self._services[sid]
        write(f"heal_{verdict.state.value}", service=service.name, attempt=heal.attempt, detail=verdict.detail)

    def _ask_for_looks(self, connection: Connection, heal: Heal, until: datetime, now: datetime) -> None:
        """Ask once, for looks close enough together that the verdict can be reached in its time."""
        if probe_requests.asked_until(connection, heal.service_id) == until:
            return
        _, configured = self._services[heal.service_id]
        window_s = (until - now).total_seconds()
        every_s = max(MIN_EVERY_S, min(configured.retry_interval_seconds, window_s / (2 * GOOD_LOOKS)))
        probe_requests.ask(connection, heal.service_id, every_s=every_s, until=until)
        self._to_wake.add(configured.program)


def _is_relived(connection: Connection, now: datetime) -> bool:
    """Tell whether this time was gone through before: then looks of that time stand among those of this one."""
    until = facts.noted_time(connection, facts.RELIVED_UNTIL)
    return until is not None and now < until
