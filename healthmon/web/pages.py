"""Which pages are there, and how does each become HTML? Jinja escapes all that templates print: names are anybody's text."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from healthmon import clock
from healthmon.answers import changes, live, maintenance, processes, service, slo, story
from healthmon.answers import overview as standing
from healthmon.errors import UsageError
from healthmon.processes import programs
from healthmon.store import incidents, outcomes, process_samples, services
from healthmon.web import queries
from healthmon.web.problems import Problem
from healthmon.web.queries import IncidentsPageQuery, OverviewQuery, ServicePageQuery, SloPageQuery
from healthmon.web.views.choice import Choice, choose
from healthmon.web.views.incident import IncidentPage, incident_page
from healthmon.web.views.lists import ON_A_PAGE, IncidentsPage, ProcessesPage, incidents_page, processes_page
from healthmon.web.views.overview import Overview, Shown, overview
from healthmon.web.views.period import Period, Span, span
from healthmon.web.views.problems import problems
from healthmon.web.views.public import PublicPage, first_day, public_page
from healthmon.web.views.service import Inside, ServicePage, service_page
from healthmon.web.views.slo import Days, SloPage, slo_page

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from healthmon.config import Config
    from healthmon.history.slo import Budget
    from healthmon.store.connection import Connection
    from healthmon.web.assets import Assets
    from healthmon.web.hub import Hub
    from healthmon.web.reader import Reader

PUBLIC_EVERY_S = 5.0
TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """The handlers of all pages."""

    def __init__(self, config: Config, reader: Reader, hub: Hub, assets: Assets) -> None:
        self._config = config
        self._reader = reader
        self._hub = hub
        self._services = {one.name: one for one in config.enabled_services()}
        self._runbooks = {name: str(one.runbook_url) for name, one in self._services.items() if one.runbook_url is not None}
        self._public: PublicPage | None = None
        self._public_at_s = float("-inf")
        self._programs = tuple(programs.names(config))
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals["asset"] = assets.url
        self._templates.globals["shows"] = config.dashboard
        self._templates.globals["refresh_s"] = max(1, round(config.dashboard.refresh_interval_seconds))

    async def overview(self, request: Request) -> Response:
        choice = queries.read(OverviewQuery, request.query_params).choice()
        version = await self._version()
        view = await self._reader.ask(lambda connection: self._overview(connection, choice))
        return self._page("overview.html", view, path="/", version=version)

    async def service(self, request: Request) -> Response:
        name = request.path_params["name"]
        period = queries.read(ServicePageQuery, request.query_params).period()
        version = await self._version()
        view = await self._reader.ask(lambda connection: self._service(connection, name, period))
        return self._page("service.html", view, version=version)

    async def incidents(self, request: Request) -> Response:
        before = queries.read(IncidentsPageQuery, request.query_params).before
        return self._page("incidents.html", await self._reader.ask(lambda connection: self._incidents(connection, before)), path="/incidents")

    async def incident(self, request: Request) -> Response:
        number = request.path_params["number"]
        version = await self._version()
        view = await self._reader.ask(lambda connection: self._incident(connection, number))
        return self._page("incident.html", view, version=version)

    async def slo(self, request: Request) -> Response:
        days = queries.read(SloPageQuery, request.query_params).days
        view = await self._reader.ask(lambda connection: self._slo(connection, days))
        return self._page("slo.html", view, path="/slo")

    async def processes(self, _request: Request) -> Response:
        return self._page("processes.html", await self._reader.ask(self._processes), path="/processes")

    async def public(self, _request: Request) -> Response:
        """Anybody may ask for it, as often as they like: it is made once in a few seconds."""
        if clock.monotonic() - self._public_at_s > PUBLIC_EVERY_S:
            self._public = await self._reader.ask(self._read_public)
            self._public_at_s = clock.monotonic()
        answer = self._page("public.html", self._public)
        answer.headers["Cache-Control"] = f"public, max-age={PUBLIC_EVERY_S:.0f}"
        return answer

    async def login(self, _request: Request) -> Response:
        return self._page("login.html", None)

    def problem(self, problem: Problem) -> Response:
        """Return the page that says why there is no other."""
        return self._page("problem.html", problem, status=problem.status)

    async def _version(self) -> str:
        """Return from where on a page hears of changes: asked before reading, so that what changes meanwhile is told again."""
        return f"{self._hub.life}-{await self._hub.look()}"

    def _overview(self, connection: Connection, choice: Choice) -> Overview:
        now = standing.read(connection, self._config, self._reader.known)
        chosen = choose(now.report.lines, choice)
        ids = [line.service.service_id for line in chosen.lines]
        asked = _span(choice.period, now.report.at)
        is_usual = choice.period == Period()
        pasts = standing.read_past(connection, ids, since=asked.since, until=asked.until, is_usual=is_usual)
        step = standing.step_of(asked.since, asked.until)
        shown = Shown(chosen=chosen, span=asked, step=step, pasts=pasts, budgets=self._budgets(connection, choice, ids, now.report.at))
        return overview(now, problems(now, self._runbooks), shown, choice=choice, settings=self._services)

    def _budgets(self, connection: Connection, choice: Choice, service_ids: list[int], now: datetime) -> dict[int, Budget]:
        """Return those that the page shows: a wall has no place for them."""
        is_wanted = self._config.dashboard.show_error_rates and not choice.kiosk
        return slo.budgets(connection, self._config, service_ids, now) if is_wanted else {}

    def _read_public(self, connection: Connection) -> PublicPage:
        report = live.read(connection, self._config, self._reader.known)
        return public_page(
            report,
            incidents.touching(connection, first_day(report.at)),
            working=maintenance.active(connection, self._config, report.at),
            title=self._config.web.status_title,
        )

    def _service(self, connection: Connection, name: str, period: Period) -> ServicePage:
        known = services.by_name(connection).get(name)
        if known is None or name not in self._services:
            raise self._no_service(name)
        from healthmon.processes.evaluator.explaining import read_explanation  # noqa: PLC0415  only who looks at a service pays for it
        from healthmon.processes.evaluator.ruling import read_rulings  # noqa: PLC0415  as above

        now = clock.now()
        asked = _span(period, now)
        facts = service.read(connection, self._config, known.service_id, self._reader.known, since=asked.since, until=asked.until)
        inside = Inside(
            rulings=read_rulings(connection, self._config, name, now),
            explained=read_explanation(connection, self._config, name, now),
            done=changes.read(connection, known.service_id, name, since=asked.since, until=asked.until),
        )
        return service_page(facts, inside, self._services, name=name, period=period, span=asked)

    def _no_service(self, name: str) -> Problem:
        try:
            self._config.service(name)
        except UsageError as error:
            return Problem(HTTPStatus.NOT_FOUND, str(error))
        return Problem(HTTPStatus.NOT_FOUND, f"{name} is in the configuration, but not watched (yet)")

    def _incidents(self, connection: Connection, before: int | None) -> IncidentsPage:
        found = incidents.page(connection, before=before, limit=ON_A_PAGE + 1, service_id=None, is_open=None)
        names = {one.service_id: name for name, one in services.by_name(connection).items() if name in self._services}
        acknowledged = outcomes.acknowledged_at(connection, [one.incident_id for one in found])
        return incidents_page(found, names, acknowledged, clock.now(), is_first=before is None)

    def _incident(self, connection: Connection, number: int) -> IncidentPage:
        found = story.read_story(connection, number) if number <= queries.MAX_ID else None
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no incident {number}, or it is not kept any more")
        wrong = () if found.incident.resolved_at is not None else problems(standing.read(connection, self._config, self._reader.known), self._runbooks)
        problem = next((one for one in wrong if one.name == found.service), None)
        acknowledged = outcomes.acknowledged_at(connection, [number])
        return incident_page(found, acknowledged.get(number), problem, clock.now(), is_watched=found.service in self._services)

    def _slo(self, connection: Connection, days: Days) -> SloPage:
        return slo_page(slo.read(connection, self._config, slo.last_days(clock.now(), int(days))), days)

    def _processes(self, connection: Connection) -> ProcessesPage:
        found = processes.read(self._config.paths, self._programs, process_samples.newest(connection))
        return processes_page(found, clock.now())

    def _page(self, template: str, view: object, *, status: HTTPStatus = HTTPStatus.OK, path: str = "", version: str = "") -> Response:
        page = self._templates.get_template(template).render(view=view, path=path, version=version)
        return HTMLResponse(page, status_code=status)


def _span(period: Period, now: datetime) -> Span:
    try:
        return span(period, now)
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from None
