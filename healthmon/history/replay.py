"""What would a rule have said of the past? The checks are looked at again as the evaluator did, one by one.

What history does not hold (containers, certificates, maintenance, what a service depends on) cannot be asked about: a rule
with such a name is refused rather than answered half.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from healthmon.alerts.lifecycle import AlertEvent, advance, begin
from healthmon.model.alert import AlertSeverity
from healthmon.model.status import ServiceState
from healthmon.rules import looks
from healthmon.rules.variables import VARIABLES
from healthmon.status import flapping, machine
from healthmon.status.flapping import STEADY
from healthmon.status.recent import RecentLooks
from healthmon.status.uptime import WINDOW, Booked, Uptime, book, hour_of, spans_until, uptime

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from healthmon.alerts.lifecycle import Move
    from healthmon.alerts.rule import Rule
    from healthmon.model.check import Check
    from healthmon.model.rule_state import RuleState
    from healthmon.rules.variables import Facts

HOURS_KEPT = 30  # some more than 24 are no trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is configured of a service, as far as it matters here."""

    service_id: int
    subject: looks.Subject
    confirmations: int
    max_gap: timedelta  # so long a look's result is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One alert that would have been. `until` is None while it would still fire."""

    service_id: int
    since: datetime
    until: datetime | None


def not_in_history(rule: Rule) -> frozenset[str]:
    """Return the names in a rule's condition that history cannot answer."""
    return frozenset(name for name in rule.condition.names if VARIABLES[name].fact in looks.NOT_TOLD)


@dataclass(slots=True)
class _Progress:
    """One rule on its way through one service's past."""

    rule: Rule
    state: RuleState | None = None
    due: datetime | None = None
    since: datetime | None = None
    fired: list[Fired] = field(default_factory=list)


class Replay:
    """One service's past, check by check."""

    def __init__(self, watched: Watched, rules: Iterable[Rule]) -> None:
        self._watched = watched
        self._rules = [_Progress(rule) for rule in rules if rule.is_for(watched.subject.name, watched.subject.group)]
        self._asked = looks.Asked(name for one in self._rules for name in one.rule.condition.names)
        self._state = ServiceState(service_id=watched.service_id)
        self._flapping = STEADY
        self._recent = RecentLooks() if self._asked.windows else None
        self._booked: dict[datetime, Booked] = {}
        self._last_at: datetime | None = None

    def take(self, check: Check) -> None:
        """Go on to the next check."""
        at = check.checked_at
        if self._last_at is not None and at > self._last_at + self._watched.max_gap:
            self._lose_sight(self._last_at + self._watched.max_gap)
        self._let_time_pass(at)
        self._last_at = at
        self._move(machine.advance(self._state, check, confirmations=self._watched.confirmations).state, at)
        look = looks.look(check)
        if look is not None:
            self._flapping = flapping.look(self._flapping, healthy=look.healthy)
            if self._recent is not None:
                self._recent.add(look)
        self._ask(at)

    def finish(self, until: datetime) -> dict[str, list[Fired]]:
        """Go on until `until`, and return what each rule would have said."""
        if self._last_at is not None and until > self._last_at + self._watched.max_gap:
            self._lose_sight(self._last_at + self._watched.max_gap)
        self._let_time_pass(until)
        for one in self._rules:
            if one.since is not None:
                one.fired.append(Fired(service_id=self._watched.service_id, since=one.since, until=None))
        return {one.rule.name: one.fired for one in self._rules}

    def _lose_sight(self, at: datetime) -> None:
        self._let_time_pass(at)
        self._move(machine.lose_sight(self._state, at=at).state, at)
        self._ask(at)

    def _move(self, state: ServiceState, at: datetime) -> None:
        if self._asked.day and not machine.is_soft(state):
            for span in spans_until(self._state, state, at, max_gap=self._watched.max_gap):
                self._booked.update(book(self._booked, span))
            if len(self._booked) > HOURS_KEPT:
                oldest = hour_of(at - WINDOW)
                self._booked = {hour: booked for hour, booked in self._booked.items() if hour >= oldest}
        if not machine.is_soft(state):
            state = _accounted(state, at)
        self._state = state

    def _let_time_pass(self, until: datetime) -> None:
        """Do what time alone does to the rules before `until`."""
        for one in self._rules:
            while one.due is not None and one.due <= until:
                self._step(one, self._facts(one.due), one.due)

    def _ask(self, at: datetime) -> None:
        facts = self._facts(at)
        for one in self._rules:
            self._step(one, facts, at)

    def _step(self, one: _Progress, facts: Facts, at: datetime) -> None:
        holds = one.rule.holds(facts)
        before, one.due = one.state, None
        if before is None:
            if holds:
                self._moved(one, begin(self._watched.service_id, one.rule.name, one.rule.timing, at), at)
        else:
            self._moved(one, advance(before, one.rule.timing, holds=holds, now=at), at)

    def _moved(self, one: _Progress, move: Move, at: datetime) -> None:
        one.state = move.state
        one.due = move.due if move.due is None or move.due > at else None
        if move.event is AlertEvent.FIRED and one.rule.severity is AlertSeverity.INFO:
            one.fired.append(Fired(service_id=self._watched.service_id, since=at, until=at))
        elif move.event is AlertEvent.FIRED:
            one.since = at
        elif move.event is AlertEvent.RESOLVED and one.since is not None:
            one.fired.append(Fired(service_id=self._watched.service_id, since=one.since, until=at))
            one.since = None

    def _facts(self, at: datetime) -> Facts:
        return looks.facts(
            self._watched.subject,
            self._state,
            now=at,
            uptime=uptime(self._booked, at) if self._asked.day else Uptime(),
            is_flapping=self._flapping.is_flapping,
            recent=self._recent,
            booked=self._booked,
            asked=self._asked,
        )


def _accounted(state: ServiceState, at: datetime) -> ServiceState:
    return replace(state, accounted_until=max(at, state.accounted_until or at))
