"""How do explanations and restarts look as JSON? The keys only ever grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.words import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.heal.explain import GateResult
    from healthmon.model.heal import Heal
    from healthmon.model.hold import Hold
    from healthmon.processes.evaluator.explaining import Explained
    from healthmon.store.heal_evidence import HealEvidence
    from healthmon.store.targets import TargetReport

Document = dict[str, object]


def explanation_document(service: str, found: Explained, *, is_watched: bool) -> Document:
    situation, decision = found.situation, found.explanation.decision
    incident, state = situation.incident, situation.state
    return {
        "service_name": service,
        "timestamp": clock.to_iso(situation.now),
        "agent_is_running": is_watched,
        "current_status": state.status.value,
        "status_since": iso(state.status_since),
        "error_message": state.last_error,
        "incident_id": None if incident is None else incident.incident_id,
        "dry_run": situation.settings.dry_run,
        "container": container_document(found.report),
        "hold": hold_document(situation.hold),
        "decision": {
            "verdict": decision.verdict.value,
            "reason": decision.reason.value,
            "detail": decision.detail,
            "text": in_words(decision, dry_run=situation.settings.dry_run),
            "until": iso(decision.until),
        },
        "earliest_restart": iso(found.explanation.earliest),
        "gates": list(map(_gate, found.explanation.gates)),
    }


def history_document(heal: Heal, evidence: HealEvidence, names: Mapping[int, str]) -> Document:
    return {
        "heal_id": heal.heal_id,
        "service_name": names.get(heal.service_id),
        "incident_id": heal.incident_id,
        "attempt": heal.attempt,
        "action": heal.action.value,
        "state": heal.state.value,
        "target": heal.target_name,
        "planned_at": clock.to_iso(heal.planned_at),
        "issued_at": iso(heal.issued_at),
        "returned_at": iso(heal.returned_at),
        "closed_at": iso(heal.closed_at),
        "detail": heal.detail,
        "asked_by": heal.asked_by,
        "why": heal.why,
        "forced": heal.forced,
        "evidence": {
            "failed_checks": evidence.failures,
            "first_at": iso(evidence.first_at),
            "last_at": iso(evidence.last_at),
            "error_message": evidence.error or None,
        },
        "needless": evidence.good_before_at is not None,
        "good_before_at": iso(evidence.good_before_at),
    }


def container_document(report: TargetReport | None) -> Document | None:
    if report is None:
        return None
    target = report.target
    return {
        "name": None if target is None else target.name,
        "matched_by": report.matched_by,
        "state": None if target is None else target.state.value,
        "started_at": None if target is None else iso(target.started_at),
        "problem": report.problem,
    }


def hold_document(hold: Hold | None) -> Document | None:
    if hold is None:
        return None
    return {"until": clock.to_iso(hold.ends_at), "since": clock.to_iso(hold.starts_at), "author": hold.author, "reason": hold.reason}


def iso(at: datetime | None) -> str | None:
    return None if at is None else clock.to_iso(at)


def _gate(result: GateResult) -> Document:
    return {
        "name": result.name,
        "question": result.question,
        "state": result.state.value,
        "detail": result.detail,
        "verdict": None if result.verdict is None else result.verdict.value,
        "reason": None if result.reason is None else result.reason.value,
        "until": iso(result.until),
    }
