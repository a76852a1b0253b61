"""Which rules are applied to a service, and what does each say?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.alerts.lifecycle import Timing
from healthmon.heal.decision import HealReason
from healthmon.model.alert import AlertSeverity
from healthmon.model.status import ServiceStatus
from healthmon.rules.explanation import explain
from healthmon.rules.language import understand
from healthmon.rules.looks import OF_THE_DAY, SUMMED_UP
from healthmon.rules.variables import VARIABLES, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.history.settings import SloSettings
    from healthmon.rules.explanation import Explanation
    from healthmon.rules.language import Condition
    from healthmon.rules.settings import RuleSettings
    from healthmon.rules.variables import Facts, Value

BLIND_AFTER = timedelta(minutes=5)
BLIND = "monitoring_blind"
CONFIGURED = frozenset({"critical", "service", "group", "expected_response_time"})
LONG_LAG, SHORT_LAG = timedelta(hours=24), timedelta(hours=1)
FLAPPING = "flapping"
BEYOND_HEALING = (HealReason.CRASH_LOOP, HealReason.NEEDS_RECREATE, HealReason.NEVER_HEALTHY)  # no restart mends it: a person has to
MANY_FAILURES = "max_consecutive_failures"
BURN_FACTORS = (14.4, 6.0, 3.0)  # so many times too fast: within the hour, within six, within the day
BUDGET_HOUR, BUDGET_SIX_HOURS, BUDGET_DAY = "error_budget_1h", "error_budget_6h", "error_budget_24h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, ready to be asked."""

    name: str
    severity: AlertSeverity
    timing: Timing
    condition: Condition
    services: frozenset[str] = frozenset()  # of these only, or of these groups; of all when both are empty
    groups: frozenset[str] = frozenset()

    @property
    def lag(self) -> timedelta:
        """How long it may go on to hold after what it is about is over: nothing but the past is asked for."""
        names = [name for name in self.condition.names if name not in CONFIGURED]
        if not names or any(name not in OF_THE_DAY and not name.endswith(SUMMED_UP) for name in names):
            return timedelta(0)
        return LONG_LAG if any(name in OF_THE_DAY for name in names) else SHORT_LAG

    @property
    def is_about_recovery(self) -> bool:
        """Whether it asks for what was before: the recovery's own message, or its silence, says that."""
        return "previous_status" in self.condition.names

    def is_for(self, service: str, group: str) -> bool:
        everywhere = not self.services and not self.groups
        return everywhere or service in self.services or group in self.groups

    def holds(self, facts: Facts) -> bool | None:
        """Return whether the condition holds; None when nobody can tell.

        A status that is unknown makes true what asks for just that; to any other question it is no answer.
        """
        found = self.condition.truth(facts)
        if found is not False or facts.status != ServiceStatus.UNKNOWN.value:
            return found
        return self.condition.truth(replace(facts, status=None))

    def explain(self, facts: Facts) -> Explanation:
        return explain(self.condition, facts)


def values(operands: Iterable[tuple[str, Value]]) -> tuple[tuple[str, str], ...]:
    """Return what names stand for, as people read it."""
    return tuple((name, _shown(name, value)) for name, value in operands)


def asked(rule: Rule, facts: Facts) -> tuple[tuple[str, Value], ...]:
    """Return all names that a rule asks for, with what they stand for; None is unknown."""
    return tuple((name, getattr(facts, name)) for name in rule.condition.names)


def _shown(name: str, value: Value) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    unit = VARIABLES[name].unit
    number = value if isinstance(value, str) else f"{value:.4g}"
    return f"{number} {unit}" if unit not in {Unit.NONE, Unit.SHARE} else number


def of_settings(settings: Iterable[RuleSettings]) -> tuple[Rule, ...]:
    """Return the rules of a file that are switched on. Their conditions were found right when the file was read."""
    return tuple(_rule(one) for one in settings if one.enabled)


def built_in(*, max_consecutive_failures: int, slo: SloSettings) -> tuple[Rule, ...]:
    """Return the rules that a setting of the file makes, and those that say that nothing can be known or trusted any more."""
    return (
        Rule(
            name=MANY_FAILURES,
            severity=AlertSeverity.CRITICAL,
            timing=Timing(duration=timedelta(0), keep_firing=timedelta(0)),
            condition=understand(f"consecutive_failures >= {max_consecutive_failures}"),
        ),
        Rule(
            name=BLIND,
            severity=AlertSeverity.WARNING,
            timing=Timing(duration=BLIND_AFTER, keep_firing=timedelta(0)),
            condition=understand("unknown"),
        ),
        Rule(
            name=FLAPPING,
            severity=AlertSeverity.WARNING,
            timing=Timing(duration=timedelta(0), keep_firing=timedelta(0)),
            condition=understand("flapping"),
        ),
        *(
            Rule(
                name=reason.value,
                severity=AlertSeverity.CRITICAL,
                timing=Timing(duration=timedelta(0), keep_firing=timedelta(0)),
                condition=understand(f"healing == '{reason.value}'"),
            )
            for reason in BEYOND_HEALING
        ),
        *of_budget(slo),
    )


def of_budget(settings: SloSettings) -> tuple[Rule, ...]:
    """Return the rules that say that the error budget of a month is spent too fast, when they are switched on.

    A long window says that it matters, a short one that it goes on (Google's SRE workbook, chapter 5). At a look every 30 s,
    99.9 percent is spent 14 times too fast by two failed looks in an hour: so there have to be three. The workbook's fourth
    pair, of three days, is what `healthmon slo` shows of the budget. Where a service that is down all the time does not spend
    its budget that fast (of 93 percent and less, not 14 times), there is no such rule.
    """
    if not settings.burn_rate_alerts:
        return ()
    allowed = (100 - settings.availability_percent) / 100
    fast, slow, day = (f"{factor * allowed:.6g}" for factor in BURN_FACTORS)
    conditions = (
        (BUDGET_HOUR, AlertSeverity.CRITICAL, f"failure_ratio_1h > {fast} and failure_ratio_5m > {fast} and failure_ratio_1h * checks_1h >= 3"),
        (BUDGET_SIX_HOURS, AlertSeverity.CRITICAL, f"unhealthy_share_6h > {slow} and failure_ratio_30m > {slow}"),
        (BUDGET_DAY, AlertSeverity.WARNING, f"unhealthy_share_24h > {day} and unhealthy_share_2h > {day}"),
    )
    possible = [one for one, factor in zip(conditions, BURN_FACTORS, strict=True) if factor * allowed < 1]
    at_once = Timing(duration=timedelta(0), keep_firing=timedelta(0))
    return tuple(Rule(name=name, severity=severity, timing=at_once, condition=understand(text)) for name, severity, text in possible)


def _rule(settings: RuleSettings) -> Rule:
    return Rule(
        name=settings.name,
        severity=settings.severity,
        timing=Timing(
            duration=timedelta(minutes=settings.duration_minutes),
            keep_firing=timedelta(minutes=settings.keep_firing_minutes),
        ),
        condition=understand(settings.condition, threshold=settings.threshold),
        services=frozenset(settings.services),
        groups=frozenset(settings.groups),
    )
