"""How would a rule have done? What it would have said of the past, beside the outages that were."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthmon.alerts.rule import Rule
    from healthmon.history.replay import Fired
    from healthmon.model.alert import AlertSeverity


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
