"""What would a rule have said of the past? The checks are looked at again as the evaluator did, one by one.

What history does not hold (containers, certificates, maintenance, what a service depends on) cannot be asked about: a rule
with such a name is refused rather than answered half.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from healthmon.alerts.lifecycle import AlertEvent, advance, begin
from healthmon.model.alert import AlertSeverity
from healthmon.model.check import CheckKind, CheckStatus
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.rules.variables import VARIABLES, Facts
from healthmon.status import flapping, machine
from healthmon.status.flapping import STEADY
from healthmon.status.recent import NOT_KEPT, Look, RecentLooks
from healthmon.status.uptime import WINDOW, Booked, Uptime, book, hour_of, spans_until, unhealthy_share, uptime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from healthmon.alerts.lifecycle import Move
    from healthmon.alerts.rule import Rule
    from healthmon.model.check import Check
    from healthmon.model.rule_state import RuleState

HOURS_KEPT = 30  # some more than 24 are no trouble
WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))
_SUMMED_UP = ("_5m", "_15m", "_30m", "_1h")  # the names that windows are kept for end so
_SHARES = frozenset({"unhealthy_share_2h", "unhealthy_share_6h", "unhealthy_share_24h"})
_UPTIME = _SHARES | {"uptime_percentage", "uptime_coverage"}
_NOT_KEPT = frozenset(
    {
        "cert_expires_days",
        "memory_usage",
        "cpu_usage",
        "restart_count",
        "oom_killed",
        "exit_code",
        "container_state",
        "container_health",
        "maintenance",
        "dependency_unhealthy",
        "quarantined",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is configured of a service, as far as a condition can ask for it."""

    service_id: int
    name: str
    group: str
    critical: bool
    expected_response_time: float | None
    confirmations: int
    max_gap: timedelta  # so long a look's result is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One alert that would have been. `until` is None while it would still fire."""

    service_id: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One that was; `until` is None while it lasts."""

    incident_id: int
    service_id: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a rule would have done."""

    rule: str
    condition: str
    severity: AlertSeverity
    fired: tuple[Fired, ...]
    firing_s: float
    median_s: float | None
    without_outage: int  # of `fired`, those while the service had none
    caught: int  # outages while which it fired
    median_delay_s: float | None  # from an outage's first failed check to the alert
    missed: tuple[Outage, ...]


def not_in_history(rule: Rule) -> frozenset[str]:
    """Return the names in a rule's condition that history cannot answer."""
    return frozenset(name for name in rule.condition.names if VARIABLES[name].fact in _NOT_KEPT)


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
        self._rules = [_Progress(rule) for rule in rules if rule.is_for(watched.name, watched.group)]
        names = {name for one in self._rules for name in one.rule.condition.names}
        self._windows = any(name.endswith(_SUMMED_UP) for name in names)
        self._uptimes = not _UPTIME.isdisjoint(names)
        self._shares = not _SHARES.isdisjoint(names)
        self._state = ServiceState(service_id=watched.service_id)
        self._flapping = STEADY
        self._recent = RecentLooks()
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
        if check.kind is CheckKind.SCHEDULED and check.status is not CheckStatus.UNKNOWN:
            healthy = check.status is CheckStatus.HEALTHY
            self._flapping = flapping.look(self._flapping, healthy=healthy)
            if self._windows:
                self._recent.add(Look(at=at, healthy=healthy, response_time_s=check.outcome.response_time_s))
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
        if self._uptimes and not machine.is_soft(state):
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
        state, watched = self._state, self._watched
        last_5m, last_15m, last_30m, last_1h = (self._recent.window(at, length) if self._windows else NOT_KEPT for length in WINDOWS)
        booked = self._booked if self._shares else {}
        known = uptime(self._booked, at) if self._uptimes else Uptime()
        return Facts(
            status=state.status.value,
            previous_status=(state.previous_status or ServiceStatus.UNKNOWN).value,
            service=watched.name,
            group=watched.group,
            critical=watched.critical,
            reason=state.last_reason.value,
            response_time=state.last_response_time_s,
            expected_response_time=watched.expected_response_time,
            status_code=state.last_status_code,
            consecutive_failures=state.consecutive_failures,
            seconds_in_status=None if state.status_since is None else max(0.0, (at - state.status_since).total_seconds()),
            uptime_percentage=known.percentage,
            uptime_coverage=known.coverage,
            flapping=self._flapping.is_flapping,
            checks_5m=last_5m.checks,
            checks_15m=last_15m.checks,
            checks_30m=last_30m.checks,
            checks_1h=last_1h.checks,
            failure_ratio_5m=last_5m.failure_ratio,
            failure_ratio_15m=last_15m.failure_ratio,
            failure_ratio_30m=last_30m.failure_ratio,
            failure_ratio_1h=last_1h.failure_ratio,
            response_time_avg_5m=last_5m.response_time_avg_s,
            unhealthy_share_2h=unhealthy_share(booked, at, timedelta(hours=2)),
            unhealthy_share_6h=unhealthy_share(booked, at, timedelta(hours=6)),
            unhealthy_share_24h=unhealthy_share(booked, at, timedelta(hours=24)),
        )


def judge(rule: Rule, fired: Sequence[Fired], outages: Sequence[Outage], *, until: datetime) -> Verdict:
    """Compare what a rule would have said with the outages that were."""
    delays = {outage.incident_id: delay for outage in outages if (delay := _delay_s(outage, fired, until)) is not None}
    lengths = [((one.until or until) - one.since).total_seconds() for one in fired]
    return Verdict(
        rule=rule.name,
        condition=rule.condition.text,
        severity=rule.severity,
        fired=tuple(sorted(fired, key=lambda one: one.since)),
        firing_s=sum(lengths),
        median_s=median(lengths) if lengths else None,
        without_outage=sum(not any(_meet(one, outage, until) for outage in outages) for one in fired),
        caught=len(delays),
        median_delay_s=median(delays.values()) if delays else None,
        missed=tuple(outage for outage in outages if outage.incident_id not in delays),
    )


def _delay_s(outage: Outage, fired: Sequence[Fired], until: datetime) -> float | None:
    """Return how long after an outage began the rule fired for its service; 0 when it did already, None when never in it."""
    found = [max(0.0, (one.since - outage.since).total_seconds()) for one in fired if _meet(one, outage, until)]
    return min(found, default=None)


def _meet(one: Fired, outage: Outage, until: datetime) -> bool:
    together = one.service_id == outage.service_id
    return together and one.since <= (outage.until or until) and (one.until or until) >= outage.since


def _accounted(state: ServiceState, at: datetime) -> ServiceState:
    return replace(state, accounted_until=max(at, state.accounted_until or at))
