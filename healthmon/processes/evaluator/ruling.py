"""How far is each rule for a service now, and with which values? Asked by who reads the evaluator's database beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.alerts.rule import asked
from healthmon.model.check import CheckStatus
from healthmon.model.status import ServiceState
from healthmon.processes.evaluator.depending import Depending
from healthmon.processes.evaluator.maintaining import Maintaining
from healthmon.processes.evaluator.reporting import USAGE_HOLDS, rules_of
from healthmon.processes.evaluator.scene import Scene, Seeing
from healthmon.status import flapping, recent
from healthmon.status.flapping import STEADY
from healthmon.status.uptime import WINDOW, Uptime, hour_of
from healthmon.store import certificates, container_usage, incidents, looks, rule_states, services, states, targets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.alerts.rule import Rule
    from healthmon.config import Config, ServiceSettings
    from healthmon.model.check import Check
    from healthmon.model.rule_state import RuleState
    from healthmon.model.service import Service
    from healthmon.rules.explanation import Explanation
    from healthmon.rules.variables import Facts, Value
    from healthmon.status.flapping import Flapping
    from healthmon.store.connection import Connection

MANY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One rule. `state` is None while its condition does not hold; `asked` are all names that it asks for, with their values."""

    rule: Rule
    state: RuleState | None
    holds: bool | None
    explanation: Explanation
    asked: tuple[tuple[str, Value], ...]


def read_rulings(connection: Connection, config: Config, name: str, now: datetime) -> tuple[Ruling, ...]:
    """Ask every rule of a service, of the same rows and by the same code as the evaluator; nothing of one that it never saw."""
    found = services.by_name(connection)
    known = [(found[one.name], one) for one in config.enabled_services() if one.name in found]
    mine = next(((service, settings) for service, settings in known if service.name == name), None)
    if mine is None:
        return ()
    service, settings = mine
    rules = [one for one in rules_of(config) if one.is_for(name, settings.group)]
    facts = _facts(connection, config, known, service, rules=rules, now=now)
    far = {one.rule: one for one in rule_states.load(connection) if one.service_id == service.service_id}
    return tuple(
        Ruling(rule=one, state=far.get(one.name), holds=one.holds(facts), explanation=one.explain(facts), asked=asked(one, facts))
        for one in rules
    )


def _facts(  # noqa: PLR0913  what it is put together of
    connection: Connection,
    config: Config,
    known: list[tuple[Service, ServiceSettings]],
    service: Service,
    *,
    rules: Iterable[Rule],
    now: datetime,
) -> Facts:
    sid = service.service_id
    depending, maintaining = Depending(known), Maintaining(known, config.alerting.maintenance)
    depending.refresh(connection)
    maintaining.load(connection, now)
    seeing = Seeing(known, depending, names=frozenset(name for one in rules for name in one.condition.names))
    found = looks.page(connection, sid, since=now - recent.LONGEST, before=now, limit=MANY)[::-1]
    seeing.note(found)
    seen = states.load(connection)
    booked = states.hours_between(connection, [sid], hour_of(now - WINDOW), now).get(sid, {})
    scene = Scene(
        now=now,
        states={one.service_id: seen.get(one.service_id, ServiceState(service_id=one.service_id)) for one, _ in known},
        uptimes={sid: states.uptimes(connection).get(sid, Uptime())},
        incidents={one.service_id: one for one in incidents.open_incidents(connection)},
        latest={},
        reports=targets.of_services(connection, [sid]),
        usages=container_usage.load(connection, since=now - USAGE_HOLDS),
        certificates=certificates.of_services(connection, [sid]),
        flapping={sid: _flapping(found)},
        in_maintenance=maintaining.services_now(now),
        booked=lambda _sid: booked,
    )
    return seeing.facts(sid, scene)


def _flapping(made: Iterable[Check]) -> Flapping:
    """Return what the evaluator keeps in memory: found again from the looks of the last hour."""
    found = STEADY
    for look in made:
        found = flapping.look(found, healthy=look.status is CheckStatus.HEALTHY)
    return found
