"""What was restarted, why, and did it help?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import iso
from healthmon.clock import to_iso
from healthmon.model.heal import HealAction, HealState
from healthmon.store import heals, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.model.heal import Heal
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection


class HealDocument(TypedDict):
    heal_id: int
    service_name: str
    incident_id: int | None
    attempt: int
    action: HealAction
    state: HealState
    target: str
    planned_at: str
    issued_at: str | None
    returned_at: str | None
    closed_at: str | None
    detail: str


def read_page(
    connection: Connection, *, before: int | None, limit: int, service_id: int | None, incident_id: int | None
) -> list[HealDocument]:
    """Return the newest heals older than the one with the id `before`, newest first."""
    known = services.all_by_id(connection)
    found = heals.page(connection, before=before, limit=limit, service_id=service_id, incident_id=incident_id)
    return [_document(heal, known) for heal in found]


def _document(heal: Heal, known: Mapping[int, Service]) -> HealDocument:
    return HealDocument(
        heal_id=heal.heal_id,
        service_name=known[heal.service_id].name,
        incident_id=heal.incident_id,
        attempt=heal.attempt,
        action=heal.action,
        state=heal.state,
        target=heal.target_name,
        planned_at=to_iso(heal.planned_at),
        issued_at=iso(heal.issued_at),
        returned_at=iso(heal.returned_at),
        closed_at=iso(heal.closed_at),
        detail=heal.detail,
    )
