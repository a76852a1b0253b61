"""The part of the evaluator that applies the rules, and opens and closes alerts. How they come and go is in alerts/."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon.alerts.lifecycle import AlertEvent, Move, advance, begin
from healthmon.alerts.rule import values
from healthmon.model.alert import HEALING_QUARANTINED, Alert, AlertSeverity
from healthmon.model.rule_state import RulePhase
from healthmon.store import alerts, rule_states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from healthmon.alerts.rule import Rule
    from healthmon.log import Log
    from healthmon.model.rule_state import RuleState
    from healthmon.rules.variables import Facts
    from healthmon.store.connection import Connection

NONE: frozenset[str] = frozenset()
Key = tuple[int, str]  # service_id, and the name of a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that fires, as people are told of it."""

    alert_id: int
    rule: str
    severity: AlertSeverity
    why: str
    started_at: datetime
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A move that is decided and not written yet."""

    key: Key
    move: Move
    facts: Facts


class Alerting:
    """The rules' states and the alerts that fire, in memory as in the database."""

    def __init__(self, rules: Mapping[int, tuple[Rule, ...]], names: Mapping[int, str], log: Log) -> None:
        """`rules` and `names` are by service_id."""
        self._rules = rules
        self._names = names
        self._log = log
        self._states: dict[Key, RuleState] = {}
        self._due: dict[Key, datetime] = {}
        self._firing: dict[int, dict[str, Firing]] = {}

    def load(self, connection: Connection, now: datetime, away_since: Callable[[int], datetime | None]) -> None:
        """Read how far everything is, and close what belongs to rules or services that are no more, or are not as they were.

        `away_since` tells since when nobody has looked at a service, where that is too long: then time stood still.
        """
        known = {(sid, rule.name): rule for sid, rules in self._rules.items() for rule in rules}
        found = {(state.service_id, state.rule): _unseen(state, away_since(state.service_id)) for state in rule_states.load(connection)}
        changed = {key for alert in alerts.firing(connection) if (key := (alert.service_id or 0, alert.alert_type)) in known and known[key].severity is not alert.severity}
        gone = (found.keys() - known.keys()) | (found.keys() & changed)
        rule_states.delete(connection, gone)
        for sid, name in gone | self._without_a_rule(connection, known):
            alerts.remove(connection, sid, name, at=now)
            self._log.change("alert_removed", service=self._names.get(sid, str(sid)), type=name)
        self._states = {key: state for key, state in found.items() if key not in gone}
        self._due = dict.fromkeys(self._states, now)
        self._firing = {}
        for alert in alerts.firing(connection):
            if alert.service_id is not None and (alert.service_id, alert.alert_type) in known:
                self._firing.setdefault(alert.service_id, {})[alert.alert_type] = _firing(alert)

    def firing(self, sid: int) -> list[Firing]:
        """Return the alerts of one service that fire, the first first."""
        return list(self._firing.get(sid, {}).values())

    def knows_any(self, sid: int, alert_types: Iterable[str]) -> bool:
        """Tell whether some of these alerts of a service can fire by the rules that there are."""
        return not {HEALING_QUARANTINED, *(rule.name for rule in self._rules.get(sid, ()))}.isdisjoint(alert_types)

    def has_state(self, sid: int) -> bool:
        """Tell whether the condition of some rule holds for a service, or held a short time ago."""
        return any(key[0] == sid for key in self._states)

    def live(self) -> Iterator[tuple[int, Rule, Firing]]:
        """Yield every alert whose condition holds now, with its service and rule: not those that are only kept."""
        for (sid, name), state in self._states.items():
            firing = self._firing.get(sid, {}).get(name)
            if state.phase is RulePhase.FIRING and firing is not None:
                yield sid, next(rule for rule in self._rules[sid] if rule.name == name), firing

    def services_due(self, now: datetime) -> set[int]:
        """Return the services for which time alone may have changed something."""
        return {sid for (sid, _), due in self._due.items() if due <= now}

    def next_due(self) -> datetime | None:
        return min(self._due.values(), default=None)

    def evaluate(self, seen: Mapping[int, Facts], now: datetime) -> list[_Pending]:
        """Apply all rules to what is seen of these services; return what is to be written."""
        found = (self._apply(sid, rule, seen[sid], now) for sid, rule in self._concerned(seen))
        return [pending for pending in found if pending is not None]

    def write(self, connection: Connection, moves: Iterable[_Pending], now: datetime) -> list[tuple[Rule, Alert]]:
        """Write moves; return the alerts that fire from now on, each with its rule."""
        fired = []
        for pending in moves:
            sid, name = pending.key
            before = self._states.get(pending.key)
            self._remember(connection, pending.key, pending.move.state)
            if pending.move.event is AlertEvent.FIRED:
                fired.append(self._fire(connection, pending, now, started_at=now if before is None else before.since))
            elif pending.move.event is AlertEvent.RESOLVED:
                self._resolve(connection, sid, name, now)
        return fired

    def _without_a_rule(self, connection: Connection, known: Mapping[Key, Rule]) -> set[Key]:
        """Return the alerts that fire and that no rule will ever end."""
        found = {(alert.service_id, alert.alert_type) for alert in alerts.firing(connection) if alert.service_id is not None}
        return {key for key in found if key not in known and key[1] != HEALING_QUARANTINED}

    def _concerned(self, seen: Mapping[int, Facts]) -> Iterator[tuple[int, Rule]]:
        """Yield the rules that hold or have a state: of thousands nearly always none, so nothing else is done for each."""
        active: dict[int, set[str]] = {}
        for sid, name in self._states:
            active.setdefault(sid, set()).add(name)
        for sid, facts in seen.items():
            names = active.get(sid, NONE)
            for rule in self._rules.get(sid, ()):
                if rule.condition.truth(facts) or rule.name in names:
                    yield sid, rule

    def _apply(self, sid: int, rule: Rule, facts: Facts, now: datetime) -> _Pending | None:
        holds = rule.holds(facts)
        key = (sid, rule.name)
        state = self._states.get(key)
        if state is None:
            move = begin(sid, rule.name, rule.timing, now) if holds else None
        else:
            move = advance(state, rule.timing, holds=holds, now=now)
        if move is None:
            return None
        self._due.pop(key, None)
        if move.due is not None:
            self._due[key] = move.due
        is_news = move.state != state or move.event is not AlertEvent.NOTHING
        return _Pending(key=key, move=move, facts=facts) if is_news else None

    def _remember(self, connection: Connection, key: Key, state: RuleState | None) -> None:
        if state is None:
            self._states.pop(key, None)
            rule_states.delete(connection, [key])
        else:
            self._states[key] = state
            rule_states.save(connection, [state])

    def _fire(self, connection: Connection, pending: _Pending, now: datetime, *, started_at: datetime) -> tuple[Rule, Alert]:
        sid, name = pending.key
        rule = next(rule for rule in self._rules[sid] if rule.name == name)
        explanation = rule.explain(pending.facts)
        message = f"{self._names[sid]}: {name}: {explanation.text}"
        is_event = rule.severity is AlertSeverity.INFO
        alert = Alert(
            service_id=sid,
            alert_type=name,
            severity=rule.severity,
            message=message,
            triggered_at=now,
            started_at=started_at,
            resolved_at=now if is_event else None,
            values=values(explanation.operands),
        )
        alert = replace(alert, alert_id=alerts.add(connection, alert))
        if is_event:
            self._log.change("event", service=self._names[sid], type=name, message=message)
        else:
            self._firing.setdefault(sid, {})[name] = _firing(alert)
            self._log.error("ALERT", service=self._names[sid], type=name, severity=rule.severity.value, message=message)
        return rule, alert

    def _resolve(self, connection: Connection, sid: int, name: str, now: datetime) -> None:
        if self._firing.get(sid, {}).pop(name, None) is not None:
            alerts.resolve(connection, sid, name, at=now)
            self._log.change("alert_resolved", service=self._names[sid], type=name)


def _unseen(state: RuleState, since: datetime | None) -> RuleState:
    if since is None or state.unknown_since is not None:
        return state
    return replace(state, unknown_since=max(since, state.since))


def _firing(alert: Alert) -> Firing:
    return Firing(
        alert_id=alert.alert_id,
        rule=alert.alert_type,
        severity=alert.severity,
        why=alert.why,
        started_at=alert.started_at or alert.triggered_at,
        values=alert.values,
    )
