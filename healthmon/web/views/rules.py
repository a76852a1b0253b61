"""How far is each rule of a service, with what it asks for as it is now?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.alerts.rule import values
from healthmon.clock import duration
from healthmon.model.alert import AlertSeverity
from healthmon.model.rule_state import RulePhase
from healthmon.web.views.moments import Moment, moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.processes.evaluator.ruling import Ruling

FIRES, PENDING, KEPT, HOLDS, HOLDS_NOT, UNTOLD = "fires", "pending", "kept", "holds", "does not hold", "nobody can tell"
SHAPES = {FIRES: "unhealthy", PENDING: "warning", KEPT: "warning", HOLDS: "warning", HOLDS_NOT: "healthy", UNTOLD: "unknown"}
ORDER = (FIRES, PENDING, KEPT, HOLDS, UNTOLD, HOLDS_NOT)
PHASES = {RulePhase.FIRING: FIRES, RulePhase.PENDING: PENDING, RulePhase.KEEPING: KEPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    name: str
    severity: AlertSeverity
    condition: str
    values: tuple[tuple[str, str], ...]
    word: str
    shape: str
    since: Moment | None
    progress: str  # of what time alone changes: `90 s of 5 min`


def rule_rows(rulings: Iterable[Ruling], now: datetime) -> tuple[RuleRow, ...]:
    """Return the rules, those that say something first, and then as the file has them."""
    rows = [_row(one, now) for one in rulings]
    return tuple(sorted(rows, key=lambda row: ORDER.index(row.word)))


def _row(ruling: Ruling, now: datetime) -> RuleRow:
    word = _word(ruling)
    state, timing = ruling.state, ruling.rule.timing
    waits = {RulePhase.PENDING: timing.duration, RulePhase.KEEPING: timing.keep_firing}.get(state.phase) if state is not None else None
    progress = ""
    if state is not None and waits is not None:
        progress = f"{duration((now - state.since).total_seconds())} of {duration(waits.total_seconds())}"
    return RuleRow(
        name=ruling.rule.name,
        severity=ruling.rule.severity,
        condition=ruling.rule.condition.text,
        values=values(ruling.asked),
        word=word,
        shape=SHAPES[word],
        since=None if state is None else moment(state.since, now),
        progress=progress,
    )


def _word(ruling: Ruling) -> str:
    """Return how far it is. An event fires once, and says no more while its condition holds."""
    state = ruling.state
    if state is not None and state.unknown_since is None:
        is_event = ruling.rule.severity is AlertSeverity.INFO and state.phase is RulePhase.FIRING
        return HOLDS if is_event else PHASES[state.phase]
    if ruling.holds is None:
        return UNTOLD
    return HOLDS if ruling.holds else HOLDS_NOT
