"""What was restarted, why, and did it help?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import iso
from healthmon.clock import to_iso
from healthmon.model.heal import HealAction, HealState
from healthmon.model.hook_run import HookMoment
from healthmon.store import heal_evidence, heals, hook_runs, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.model.heal import Heal
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection


class EvidenceDocument(TypedDict):
    failed_checks: int
    first_at: str | None
    last_at: str | None
    error_message: str | None


class HookDocument(TypedDict):
    moment: HookMoment
    began_at: str
    took_seconds: float
    exit_code: int | None
    problem: str
    output: str


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
    asked_by: str | None
    why: str
    forced: bool
    evidence: EvidenceDocument
    needless: bool | None
    failure: str
    hooks: list[HookDocument]


def read_page(
    connection: Connection, *, before: int | None, limit: int, service_id: int | None, incident_id: int | None
) -> list[HealDocument]:
    """Return the newest heals older than the one with the id `before`, newest first."""
    known = services.all_by_id(connection)
    found = heals.page(connection, before=before, limit=limit, service_id=service_id, incident_id=incident_id)
    return [document(connection, heal, known) for heal in found]


def document(connection: Connection, heal: Heal, known: Mapping[int, Service]) -> HealDocument:
    evidence = heal_evidence.of_heal(connection, heal)
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
        asked_by=heal.asked_by,
        why=heal.why,
        forced=heal.forced,
        evidence=EvidenceDocument(
            failed_checks=evidence.failures,
            first_at=iso(evidence.first_at),
            last_at=iso(evidence.last_at),
            error_message=evidence.error or None,
        ),
        needless=True if evidence.good_before_at is not None else heal.needless,
        failure=heal.failure,
        hooks=[
            HookDocument(
                moment=run.moment,
                began_at=to_iso(run.began_at),
                took_seconds=round(run.took_s, 3),
                exit_code=run.exit_code,
                problem=run.problem,
                output=run.output,
            )
            for run in hook_runs.of_heal(connection, heal.heal_id)
        ],
    )
