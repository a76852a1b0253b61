"""How does an explanation of what healing does look as JSON? The keys only ever grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon import clock
from healthmon.answers.wording import iso
from healthmon.heal.decision import HealReason, HealVerdict
from healthmon.heal.explain import GateState
from healthmon.heal.words import in_words
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState

if TYPE_CHECKING:
    from healthmon.heal.explain import GateResult
    from healthmon.model.hold import Hold
    from healthmon.processes.evaluator.explaining import Explained
    from healthmon.store.targets import TargetReport


class ContainerDocument(TypedDict):
    name: str | None
    matched_by: str | None
    state: TargetState | None
    started_at: str | None
    problem: str | None


class HoldDocument(TypedDict):
    until: str
    since: str
    author: str
    reason: str


class DecisionDocument(TypedDict):
    verdict: HealVerdict
    reason: HealReason
    detail: str
    text: str
    until: str | None


class GateDocument(TypedDict):
    name: str
    question: str
    state: GateState
    detail: str
    verdict: HealVerdict | None
    reason: HealReason | None
    until: str | None


class ExplanationDocument(TypedDict):
    service_name: str
    timestamp: str
    agent_is_running: bool
    current_status: ServiceStatus
    status_since: str | None
    error_message: str | None
    incident_id: int | None
    dry_run: bool
    container: ContainerDocument | None
    hold: HoldDocument | None
    decision: DecisionDocument
    earliest_restart: str | None
    gates: list[GateDocument]


def explanation_document(service: str, found: Explained, *, is_watched: bool) -> ExplanationDocument:
    situation, decision = found.situation, found.explanation.decision
    incident, state = situation.incident, situation.state
    return ExplanationDocument(
        service_name=service,
        timestamp=clock.to_iso(situation.now),
        agent_is_running=is_watched,
        current_status=state.status,
        status_since=iso(state.status_since),
        error_message=state.last_error,
        incident_id=None if incident is None else incident.incident_id,
        dry_run=situation.settings.dry_run,
        container=_container(found.report),
        hold=_hold(situation.hold),
        decision=DecisionDocument(
            verdict=decision.verdict,
            reason=decision.reason,
            detail=decision.detail,
            text=in_words(decision, dry_run=situation.settings.dry_run),
            until=iso(decision.until),
        ),
        earliest_restart=iso(found.explanation.earliest),
        gates=list(map(_gate, found.explanation.gates)),
    )


def _container(report: TargetReport | None) -> ContainerDocument | None:
    if report is None:
        return None
    target = report.target
    return ContainerDocument(
        name=None if target is None else target.name,
        matched_by=report.matched_by,
        state=None if target is None else target.state,
        started_at=None if target is None else iso(target.started_at),
        problem=report.problem,
    )


def _hold(hold: Hold | None) -> HoldDocument | None:
    if hold is None:
        return None
    return HoldDocument(until=clock.to_iso(hold.ends_at), since=clock.to_iso(hold.starts_at), author=hold.author, reason=hold.reason)


def _gate(result: GateResult) -> GateDocument:
    return GateDocument(
        name=result.name,
        question=result.question,
        state=result.state,
        detail=result.detail,
        verdict=result.verdict,
        reason=result.reason,
        until=iso(result.until),
    )
