"""Where is it kept how far each rule is, over any crash?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.rule_state import RulePhase, RuleState
from healthmon.store.row import integer, sql_time, text, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.store.connection import Connection


def load(connection: Connection) -> list[RuleState]:
    """Return every rule that is pending, firing or kept, for every service."""
    rows = connection.rows("SELECT service_id, rule, phase, since, unknown_since FROM rule_states")
    return [
        RuleState(
            service_id=integer(row[0]),
            rule=text(row[1]),
            phase=RulePhase(text(row[2])),
            since=time(row[3]),
            unknown_since=time_or_none(row[4]),
        )
        for row in rows
    ]


def save(connection: Connection, states: Iterable[RuleState]) -> None:
    """Write states as they are now."""
    connection.change_many(
        "INSERT OR REPLACE INTO rule_states (service_id, rule, phase, since, unknown_since) VALUES (?, ?, ?, ?, ?)",
        [
            (state.service_id, state.rule, state.phase.value, clock.to_sql(state.since), sql_time(state.unknown_since))
            for state in states
        ],
    )


def delete(connection: Connection, gone: Iterable[tuple[int, str]]) -> None:
    """Forget rules, by service_id and name, whose condition does not hold any more."""
    connection.change_many("DELETE FROM rule_states WHERE service_id = ? AND rule = ?", list(gone))
