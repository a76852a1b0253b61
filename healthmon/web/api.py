"""Which questions does the API answer? The same answers as the commands give, from the same models."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from typing_extensions import TypedDict

from healthmon.answers import alerts, heals, history, incidents, performance, processes, rules, slo
from healthmon.answers.alerts import AlertDocument
from healthmon.answers.gates import ExplanationDocument, explanation_document
from healthmon.answers.heals import HealDocument
from healthmon.answers.history import CheckDocument
from healthmon.answers.incidents import IncidentDocument
from healthmon.answers.performance import PerformanceDocument
from healthmon.answers.processes import ProcessDocument
from healthmon.answers.report import DashboardDocument, ReportDocument, ServiceDocument, read_dashboard, read_report
from healthmon.answers.rules import RuleDocument
from healthmon.answers.slo import Period, SloDocument
from healthmon.processes.roles import is_held
from healthmon.store import process_samples
from healthmon.web.endpoints import PREFIX, Asked, Endpoint
from healthmon.web.problems import Problem
from healthmon.web.queries import AlertsQuery, HealsQuery, HistoryQuery, IncidentsQuery, LevelsQuery, Paged, Query

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = timedelta(days=1)
MONTH, LONGEST = timedelta(days=30), timedelta(days=3_660)


class ServicesAnswer(TypedDict):
    services: list[ServiceDocument]


class HistoryAnswer(TypedDict):
    service_name: str
    checks: list[CheckDocument]
    next: str | None


class PerformanceAnswer(TypedDict):
    service_name: str
    performance: list[PerformanceDocument]


class RulesAnswer(TypedDict):
    service_name: str
    rules: list[RuleDocument]


class AlertsAnswer(TypedDict):
    alerts: list[AlertDocument]
    next: str | None


class IncidentsAnswer(TypedDict):
    incidents: list[IncidentDocument]
    next: str | None


class HealsAnswer(TypedDict):
    heals: list[HealDocument]
    next: str | None


class ProcessesAnswer(TypedDict):
    processes: list[ProcessDocument]


def report(asked: Asked[Query]) -> ReportDocument:
    return read_report(asked.connection, asked.config, asked.known)


def dashboard(asked: Asked[Query]) -> DashboardDocument:
    return read_dashboard(asked.connection, asked.config, asked.known)


def services(asked: Asked[Query]) -> ServicesAnswer:
    return ServicesAnswer(services=read_report(asked.connection, asked.config, asked.known)["services"])


def service(asked: Asked[Query]) -> ServiceDocument:
    found = {one["service_name"]: one for one in read_report(asked.connection, asked.config, asked.known)["services"]}
    if asked.name not in found:
        raise _not_watched(asked)
    return found[asked.name]


def service_performance(asked: Asked[Query]) -> PerformanceAnswer:
    return PerformanceAnswer(service_name=asked.name, performance=performance.read(asked.connection, asked.service_id(asked.name) or 0))


def service_rules(asked: Asked[Query]) -> RulesAnswer:
    from healthmon.processes.evaluator.ruling import read_rulings  # noqa: PLC0415  only who asks pays for it

    found = read_rulings(asked.connection, asked.config, asked.name, asked.now)
    if not found:
        raise _not_watched(asked)
    return RulesAnswer(service_name=asked.name, rules=[rules.document(one) for one in found])


def service_gates(asked: Asked[Query]) -> ExplanationDocument:
    """Answer as `healthmon heal explain --json` does."""
    from healthmon.processes.evaluator.explaining import read_explanation  # noqa: PLC0415  as above

    found = read_explanation(asked.connection, asked.config, asked.name, asked.now)
    if found is None:
        raise _not_watched(asked)
    return explanation_document(asked.name, found, is_watched=is_held(asked.config.paths.lock("evaluator")))


def _not_watched(asked: Asked[Query]) -> Problem:
    """Return what is wrong with a name. Raises Problem where there never was such a service."""
    asked.service_id(asked.name)
    return Problem(HTTPStatus.NOT_FOUND, f"{asked.name!r} is not monitored any more")


def service_history(asked: Asked[HistoryQuery]) -> HistoryAnswer:
    service_id = asked.service_id(asked.name) or 0
    query = asked.query
    before = query.before or asked.now + DAY
    since = query.since or min(before, asked.now) - DAY
    found = history.read_page(asked.connection, service_id, since=since, before=before, limit=query.limit)
    following = found[-1]["timestamp"] if len(found) == query.limit else None
    return HistoryAnswer(service_name=asked.name, checks=found, next=_next(f"services/{quote(asked.name, safe='')}/history", query, following))


def alert_list(asked: Asked[AlertsQuery]) -> AlertsAnswer:
    query = asked.query
    found = alerts.read_page(
        asked.connection, before=query.before, limit=query.limit, service_id=asked.service_id(query.service), status=query.status
    )
    return AlertsAnswer(alerts=found, next=_next("alerts", query, _last([one["alert_id"] for one in found], query)))


def incident_list(asked: Asked[IncidentsQuery]) -> IncidentsAnswer:
    query = asked.query
    found = incidents.read_page(
        asked.connection, before=query.before, limit=query.limit, service_id=asked.service_id(query.service), is_open=query.open
    )
    return IncidentsAnswer(incidents=found, next=_next("incidents", query, _last([one["incident_id"] for one in found], query)))


def heal_list(asked: Asked[HealsQuery]) -> HealsAnswer:
    query = asked.query
    found = heals.read_page(
        asked.connection, before=query.before, limit=query.limit, service_id=asked.service_id(query.service), incident_id=query.incident
    )
    return HealsAnswer(heals=found, next=_next("heals", query, _last([one["heal_id"] for one in found], query)))


def service_levels(asked: Asked[LevelsQuery]) -> SloDocument:
    """Answer for what of the time asked for lies in the last ten years: of a time in which nothing was known, nothing is known."""
    earliest = asked.now - LONGEST
    until = max(earliest, min(asked.query.until or asked.now, asked.now))
    since = max(earliest, min(asked.query.since or max(earliest + MONTH, until) - MONTH, until))
    return slo.read(asked.connection, asked.config, Period(since=since, until=until))


def process_list(asked: Asked[Query]) -> ProcessesAnswer:
    samples = process_samples.newest(asked.connection)
    return ProcessesAnswer(processes=processes.read(asked.config.paths, asked.programs, samples))


def _last(ids: Sequence[int], query: Paged) -> int | None:
    """Return the id before which the next page begins; None where this one is the last."""
    return ids[-1] if len(ids) == query.limit else None


def _next(path: str, query: Paged, before: int | str | None) -> str | None:
    """Return where the next page is, with all else that was asked for."""
    if before is None:
        return None
    kept = query.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return f"{PREFIX}/{path}?{urlencode(kept | {'before': before})}"


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(path="/report", summary="How every service is.", answer=ReportDocument, query=Query, is_shared=True, ask=report),
    Endpoint(path="/dashboard", summary="The report with the trends of 24 hours.", answer=DashboardDocument, query=Query, is_shared=True, ask=dashboard),
    Endpoint(path="/services", summary="How every service is, without the summary.", answer=ServicesAnswer, query=Query, is_shared=True, ask=services),
    Endpoint(path="/services/{name}", summary="How one service is.", answer=ServiceDocument, query=Query, ask=service),
    Endpoint(
        path="/services/{name}/history",
        summary="The checks of one service, newest first.",
        answer=HistoryAnswer,
        query=HistoryQuery,
        ask=service_history,
    ),
    Endpoint(
        path="/services/{name}/performance",
        summary="What the command of one service measured last.",
        answer=PerformanceAnswer,
        query=Query,
        ask=service_performance,
    ),
    Endpoint(path="/services/{name}/rules", summary="How far each rule of one service is, with the values that it asks for.", answer=RulesAnswer, query=Query, ask=service_rules),
    Endpoint(path="/services/{name}/gates", summary="What healing does about one service, gate by gate, and why.", answer=ExplanationDocument, query=Query, ask=service_gates),
    Endpoint(path="/alerts", summary="Alerts, newest first.", answer=AlertsAnswer, query=AlertsQuery, ask=alert_list),
    Endpoint(path="/incidents", summary="Outages, newest first.", answer=IncidentsAnswer, query=IncidentsQuery, ask=incident_list),
    Endpoint(path="/heals", summary="What was restarted, newest first.", answer=HealsAnswer, query=HealsQuery, ask=heal_list),
    Endpoint(path="/slo", summary="The service levels of a time: uptime, percentiles and budgets.", answer=SloDocument, query=LevelsQuery, ask=service_levels),
    Endpoint(path="/processes", summary="How healthmon's own processes are.", answer=ProcessesAnswer, query=Query, ask=process_list),
)
