"""The part of the evaluator that turns what is seen into alerts, and alerts into what people are told."""

from __future__ import annotations

import math
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts import rule
from healthmon.alerts.lifecycle import AlertEvent
from healthmon.alerts.silences import Possible
from healthmon.failpoints import reach
from healthmon.notify import channels
from healthmon.notify.grouping import Grouping
from healthmon.notify.routes import Routing, routes, steps
from healthmon.processes.evaluator.alerting import Alerting
from healthmon.processes.evaluator.introspecting import Introspecting
from healthmon.processes.evaluator.obeying import Obeying
from healthmon.processes.evaluator.quiet import Quiet
from healthmon.processes.evaluator.scene import Scene, Seeing
from healthmon.processes.evaluator.telling import Telling
from healthmon.processes.evaluator.wording import Wording
from healthmon.status import recent
from healthmon.store import certificates, container_usage, looks, operator_actions, probe_requests, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from healthmon.alerts.rule import Rule
    from healthmon.config import Config, ServiceSettings
    from healthmon.log import Log
    from healthmon.model.check import Check
    from healthmon.model.operator_action import OperatorAction
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.processes.evaluator.outages import Outages
    from healthmon.processes.evaluator.requesting import Requesting
    from healthmon.processes.evaluator.watching import Change, Watching
    from healthmon.rules.variables import Facts
    from healthmon.store.connection import Connection

MIN_WAIT_S = 0.05
USAGE_HOLDS = timedelta(seconds=100)  # the healer looks every 30 s: what is older says nothing of now


class Reporting:
    """One call looks at what changed, and writes what follows in one transaction."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        config: Config,
        services: Iterable[tuple[Service, ServiceSettings]],
        maintaining: Maintaining,
        log: Log,
        *,
        depending: Depending,
        requesting: Requesting,
    ) -> None:
        known = list(services)
        wanted = rules_of(config)
        self._seeing = Seeing(known, depending, names=frozenset(name for one in wanted for name in one.condition.names))
        possible = Possible(services=[(service.name, configured.group) for service, configured in known], rules=wanted)
        self._quiet = Quiet(maintaining, possible)
        self._alerting = Alerting(_by_service(wanted, known), {service.service_id: service.name for service, _ in known}, log)
        self._telling = Telling(
            known,
            grouping=_grouping(config),
            routing=_routing(config),
            wording=Wording(known, config.self_healing, host=socket.gethostname(), pages=config.web.public_url),
            depending=depending,
            quiet=self._quiet,
            log=log,
        )
        self._introspecting = Introspecting(_routing(config), self._quiet, host=socket.gethostname(), wait=_grouping(config).wait)
        self._maintaining = maintaining
        self._obeying = Obeying(self._quiet, maintaining, requesting, self._telling, log)
        self._in_maintenance: frozenset[int] = frozenset()
        self._ids = frozenset(service.service_id for service, _ in known)
        self._services = {service.service_id: configured for service, configured in known}
        self._to_wake: set[str] = set()
        self._changed: set[int] = set()
        self._say_at = 0.0  # monotonic

    def load(self, connection: Connection, now: datetime, away_since: Callable[[int], datetime | None]) -> None:
        """Read what an earlier evaluator has left; it may not have come to its last changes."""
        self._alerting.load(connection, now, away_since)
        self._telling.load(connection, now, self._alerting)
        self._quiet.load(connection, now)
        self._say_at = 0.0
        self._changed = set(self._ids)
        self._seeing.forget()
        if self._seeing.has_windows:
            self._seeing.note(looks.scheduled_since(connection, now - recent.LONGEST))

    def note(self, looks: Iterable[Check], changes: Iterable[Change]) -> None:
        """Keep which services are concerned by the next report."""
        found = list(looks)
        self._seeing.note(found)
        self._changed |= {check.service_id for check in found} | {change.service.service_id for change in changes}

    def note_all(self) -> None:
        """Have the next report look at all services: what they depend on has changed."""
        self._changed = set(self._ids)

    def report(self, connection: Connection, watching: Watching, outages: Outages, now: datetime) -> bool:
        """Apply the rules to the services that changed, and say what is to be said. Return whether the notifier has work."""
        before, self._in_maintenance = self._in_maintenance, self._maintaining.services_now(now)
        self._changed |= before ^ self._in_maintenance
        concerned = (self._changed | self._alerting.services_due(now)) & watching.states.keys()
        told = operator_actions.waiting(connection)
        own_due_at = self._introspecting.due_at(connection, now)
        if own_due_at is not None:
            self._say_at = min(self._say_at, clock.monotonic() + (own_due_at - now).total_seconds())
        if not concerned and not told and clock.monotonic() < self._say_at:
            return False
        in_question = concerned if self._seeing.has_containers else concerned & outages.open.keys()
        scene = Scene(
            now=now,
            states=watching.states,
            uptimes=watching.uptimes(concerned),
            incidents=outages.open,
            latest=outages.latest,
            certificates=certificates.of_services(connection, concerned) if self._seeing.has_certificates else {},
            flapping=watching.flapping,
            in_maintenance=self._in_maintenance,
            booked=watching.booked,
            reports=targets.of_services(connection, self._telling.services() | in_question),
            usages=container_usage.load(connection, since=now - USAGE_HOLDS) if self._seeing.has_usage else {},
        )
        has_news = self._write(connection, scene, {sid: self._seeing.facts(sid, scene) for sid in concerned}, told)
        self._changed.clear()
        return has_news

    def programs_to_wake(self) -> set[str]:
        """Return, once, the programs that have something to look at now."""
        programs, self._to_wake = self._to_wake, set()
        return programs

    def _ask_for_looks(self, connection: Connection, service_ids: Iterable[int], now: datetime) -> None:
        """Have services looked at at once, and again should that look fail."""
        for sid in service_ids:
            configured = self._services[sid]
            every_s = configured.retry_interval_seconds
            probe_requests.ask(connection, sid, every_s=every_s, until=now + timedelta(seconds=every_s + configured.timeout_seconds))
            self._to_wake.add(configured.program)

    def due_s(self, now: datetime) -> float:
        """Return the seconds until time alone may change something."""
        due = self._alerting.next_due()
        due_s = math.inf if due is None else (due - now).total_seconds()
        return max(MIN_WAIT_S, min(self._say_at - clock.monotonic(), due_s))

    def _write(
        self,
        connection: Connection,
        scene: Scene,
        seen: Mapping[int, Facts],
        told: list[OperatorAction],
    ) -> bool:
        moves = self._alerting.evaluate(seen, scene.now)
        if not moves and not told and clock.monotonic() < self._say_at and not self._telling.is_about(seen) and not self._telling.misses(seen, scene, self._alerting):
            return False
        with connection.transaction(durable=True):
            for fired, alert in self._alerting.write(connection, moves, scene.now):
                self._telling.hear(fired, alert)
            self._obeying.obey(connection, told, scene)
            queued, wait_s = self._telling.say(connection, scene, self._alerting)
            has_own = self._introspecting.say(connection, scene.now)
            self._ask_for_looks(connection, self._telling.to_look_at(), scene.now)
            reach("alerts.before_commit")
        reach("alerts.after_commit")
        self._say_at = clock.monotonic() + wait_s
        return queued or has_own or any(one.move.event is not AlertEvent.NOTHING for one in moves)


def rules_of(config: Config) -> tuple[Rule, ...]:
    """Return the rules of the file, and ours. One of the file that bears the name of one of ours stands for it, also switched off."""
    taken = {one.name for one in config.alert_rules}
    ours = rule.built_in(max_consecutive_failures=config.max_consecutive_failures, slo=config.slo)
    return (*(one for one in ours if one.name not in taken), *rule.of_settings(config.alert_rules))


def _by_service(rules: Iterable[Rule], services: Iterable[tuple[Service, ServiceSettings]]) -> dict[int, tuple[Rule, ...]]:
    wanted = list(rules)
    return {
        service.service_id: tuple(one for one in wanted if one.is_for(service.name, configured.group))
        for service, configured in services
    }


def _routing(config: Config) -> Routing:
    every = tuple(channel.name for channel in channels.enabled(config.alerting))
    return Routing(every=every, routes=routes(config.alerting.routes), escalation=steps(config.alerting.escalation))


def _grouping(config: Config) -> Grouping:
    settings = config.alerting.grouping
    return Grouping(
        wait=timedelta(seconds=settings.wait_seconds),
        interval=timedelta(seconds=settings.interval_seconds),
        repeat=timedelta(seconds=settings.repeat_seconds),
    )
