"""What did people do lately, and what came of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import iso
from healthmon.clock import to_iso
from healthmon.model.operator_action import OperatorActionKind
from healthmon.store import operator_actions

if TYPE_CHECKING:
    from healthmon.model.operator_action import OperatorAction
    from healthmon.store.connection import Connection


class OperatorActionDocument(TypedDict):
    action_id: int
    kind: OperatorActionKind
    author: str
    reason: str
    service_names: list[str]
    until: str | None
    made_at: str
    outcome: str


def read_newest(connection: Connection, *, limit: int) -> list[OperatorActionDocument]:
    """Return the newest acts that are done, or refused."""
    return [_document(action, outcome) for action, outcome in operator_actions.newest_done(connection, limit=limit)]


def _document(action: OperatorAction, outcome: str) -> OperatorActionDocument:
    return OperatorActionDocument(
        action_id=action.action_id,
        kind=action.kind,
        author=action.author,
        reason=action.reason,
        service_names=[action.service] if action.service is not None else list(action.services),
        until=iso(action.until),
        made_at=to_iso(action.made_at),
        outcome=outcome,
    )
