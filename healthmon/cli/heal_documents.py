"""How does an explanation look as JSON? The keys only ever grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.answers.wording import iso
from healthmon.heal.words import in_words

if TYPE_CHECKING:
    from healthmon.heal.explain import GateResult
    from healthmon.model.hold import Hold
    from healthmon.processes.evaluator.explaining import Explained
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
