"""Where do the acts of people wait for the evaluator, and what became of each?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.store.row import integer, text, text_or_none, time

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection


def add(connection: Connection, action: OperatorAction) -> int:
    """Write an act down, durably, and return its id."""
    content = {
        "service": action.service,
        "until": None if action.until is None else clock.to_iso(action.until),
        "matchers": action.matchers,
        "silence_id": action.silence_id,
        "services": action.services,
        "maintenance_id": action.maintenance_id,
        "force": action.force,
        "alert_id": action.alert_id,
    }
    with connection.transaction(durable=True):
        rows = connection.rows(
            "INSERT INTO operator_actions (kind, made_at, author, reason, content) VALUES (?, ?, ?, ?, ?) RETURNING action_id",
            action.kind.value,
            clock.to_sql(action.made_at),
            action.author,
            action.reason,
            json.dumps(content, ensure_ascii=False),
        )
    return integer(rows[0][0])


def waiting(connection: Connection) -> list[OperatorAction]:
    """Return the acts that were not obeyed yet, in their order."""
    rows = connection.rows(
        "SELECT action_id, kind, made_at, author, reason, content FROM operator_actions WHERE applied_at IS NULL ORDER BY action_id",
    )
    return list(map(_action, rows))


def settle(connection: Connection, action_id: int, *, at: datetime, outcome: str) -> None:
    """Record that an act was obeyed, or why not; belongs into the transaction of its effects."""
    connection.change(
        "UPDATE operator_actions SET applied_at = ?, outcome = ? WHERE action_id = ?",
        clock.to_sql(at),
        outcome,
        action_id,
    )


def outcome(connection: Connection, action_id: int) -> str | None:
    """Return what became of an act; None while it waits."""
    found = connection.row("SELECT outcome FROM operator_actions WHERE action_id = ?", action_id)
    return None if found is None else text_or_none(found[0])


def newest_done(connection: Connection, *, limit: int) -> list[tuple[OperatorAction, str]]:
    """Return the newest acts that were done or refused, with what came of each, newest first."""
    rows = connection.rows(
        """
        SELECT action_id, kind, made_at, author, reason, content, outcome FROM operator_actions
        WHERE outcome IS NOT NULL ORDER BY action_id DESC LIMIT ?
        """,
        limit,
    )
    return [(_action(row[:6]), text(row[6])) for row in rows]


def about(connection: Connection, service: str, since: datetime, until: datetime) -> list[tuple[OperatorAction, str]]:
    """Return the acts about one service in a time that were done, with what came of each, oldest first."""
    rows = connection.rows(
        """
        SELECT action_id, kind, made_at, author, reason, content, outcome FROM operator_actions
        WHERE made_at BETWEEN ? AND ? AND outcome IS NOT NULL
          AND (json_extract(content, '$.service') = ?3 OR EXISTS (SELECT 1 FROM json_each(content, '$.services') WHERE value = ?3))
        ORDER BY action_id
        """,
        clock.to_sql(since),
        clock.to_sql(until),
        service,
    )
    return [(_action(row[:6]), text(row[6])) for row in rows]


def _action(row: tuple[apsw.SQLiteValue, ...]) -> OperatorAction:
    content = json.loads(text(row[5]))
    until = content["until"]
    return OperatorAction(
        action_id=integer(row[0]),
        kind=OperatorActionKind(text(row[1])),
        made_at=time(row[2]),
        author=text(row[3]),
        reason=text(row[4]),
        service=content["service"],
        until=None if until is None else clock.from_iso(until),
        matchers=tuple(content["matchers"]),
        silence_id=content["silence_id"],
        services=tuple(content["services"]),
        maintenance_id=content["maintenance_id"],
        force=content.get("force", False),
        alert_id=content.get("alert_id"),
    )
