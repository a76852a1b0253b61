"""How do report and dashboard look? The keys are a promise to scripts: they only ever grow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # the standard one has no schema before Python 3.12

from healthmon import clock
from healthmon.answers import live
from healthmon.answers.trends import Trends, read_trends
from healthmon.answers.wording import iso, rounded
from healthmon.clock import to_iso
from healthmon.history.report import OverallHealth
from healthmon.memo import Memo
from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from healthmon.store import targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from healthmon.answers.live import LiveReport
    from healthmon.config import Config
    from healthmon.history.report import ServiceLine
    from healthmon.model.hold import Hold
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection
    from healthmon.store.heal_review import HealReview
    from healthmon.store.targets import TargetSummary


class Summary(TypedDict):
    total_services: int
    healthy_services: int
    unhealthy_services: int
    unknown_services: int
    critical_unhealthy: int
    health_percentage: float


class ServiceDocument(TypedDict):
    service_name: str
    current_status: ServiceStatus
    last_healthy: str | None
    consecutive_failures: int
    uptime_percentage: float | None
    last_updated: str | None
    uptime_coverage: float
    group: str
    critical: bool
    status_since: str | None
    response_time: float | None
    reason: CheckReason
    error_message: str | None
    container: str | None
    container_state: TargetState | None
    container_problem: str | None
    incident_id: int | None
    incident_since: str | None
    healing: str | None
    healing_reason: str | None
    held_until: str | None


class HealEffectDocument(TypedDict):
    service_name: str
    failure: str
    made: int
    verified: int
    failed: int
    needless: int
    would_restart: int
    by_people: int
    success_percentage: float | None


class HealingDocument(TypedDict):
    days: int
    made: int
    verified: int
    failed: int
    needless: int
    would_restart: int
    by_failure: list[HealEffectDocument]


class ReportDocument(TypedDict):
    timestamp: str
    overall_health: OverallHealth
    summary: Summary
    services: list[ServiceDocument]
    healing: HealingDocument


class DashboardDocument(ReportDocument):
    trends: Trends


class Known(live.Known):
    """What was answered before, too, and as which text. Its documents are shared: nobody changes them."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: Memo[ServiceDocument] = Memo()
        self.texts: Memo[str] = Memo()


def read_report(connection: Connection, config: Config, known: Known | None = None) -> ReportDocument:
    """Return how every configured service is now."""
    known = known or Known()
    return report_document(live.read(connection, config, known), targets.summaries(connection, known.summaries), known)


def read_dashboard(connection: Connection, config: Config, known: Known | None = None) -> DashboardDocument:
    """Return the report with the trends of the last 24 hours."""
    return DashboardDocument(**read_report(connection, config, known), trends=read_trends(connection, clock.now()))


def report_document(report: LiveReport, targets: Mapping[int, TargetSummary], known: Known | None = None) -> ReportDocument:
    """Return the document's report."""
    made = (known or Known()).documents
    return ReportDocument(
        timestamp=to_iso(report.at),
        overall_health=report.overall,
        summary=Summary(
            total_services=len(report.lines),
            healthy_services=report.count(ServiceStatus.HEALTHY),
            unhealthy_services=report.count(ServiceStatus.UNHEALTHY),
            unknown_services=report.count(ServiceStatus.UNKNOWN),
            critical_unhealthy=report.critical_unhealthy,
            health_percentage=report.health_percentage,
        ),
        services=[
            made.of(line.service.name, _service, line, *_about(line.service.service_id, report), targets.get(line.service.service_id))
            for line in report.lines
        ],
        healing=_healing_of(report.healed),
    )


def _healing_of(reviews: Sequence[HealReview]) -> HealingDocument:
    return HealingDocument(
        days=live.HEALED_WITHIN.days,
        made=sum(one.made for one in reviews),
        verified=sum(one.verified for one in reviews),
        failed=sum(one.failed for one in reviews),
        needless=sum(one.needless for one in reviews),
        would_restart=sum(one.would_restart for one in reviews),
        by_failure=[
            HealEffectDocument(
                service_name=one.service_name,
                failure=one.failure,
                made=one.made,
                verified=one.verified,
                failed=one.failed,
                needless=one.needless,
                would_restart=one.would_restart,
                by_people=one.by_people,
                success_percentage=one.success_percentage,
            )
            for one in reviews
        ],
    )


def as_text(service: ServiceDocument, known: Known) -> str:
    """Return the JSON of one service, which is asked for in several answers."""
    return known.texts.of(service["service_name"], _text, service)


def _text(service: ServiceDocument) -> str:
    return json.dumps(service, ensure_ascii=False)


def _about(sid: int, report: LiveReport) -> tuple[Incident | None, Hold | None, str | None]:
    return report.incidents.get(sid), report.holds.get(sid), report.healing(sid)


def _service(line: ServiceLine, incident: Incident | None, hold: Hold | None, healing: str | None, target: TargetSummary | None) -> ServiceDocument:
    return ServiceDocument(
        service_name=line.service.name,
        current_status=line.status,
        last_healthy=iso(line.last_healthy),
        consecutive_failures=line.consecutive_failures,
        uptime_percentage=line.uptime.percentage,
        last_updated=iso(line.last_updated),
        uptime_coverage=line.uptime.coverage,
        group=line.service.group,
        critical=line.service.critical,
        status_since=iso(line.status_since),
        response_time=rounded(line.response_time_s),
        reason=line.reason,
        error_message=line.error,
        container=None if target is None else target.name,
        container_state=None if target is None else target.state,
        container_problem=None if target is None else target.problem,
        incident_id=None if incident is None else incident.incident_id,
        incident_since=None if incident is None else to_iso(incident.started_at),
        healing=healing,
        healing_reason=None if incident is None else incident.healing_reason,
        held_until=None if hold is None else to_iso(hold.ends_at),
    )
