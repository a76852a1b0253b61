"""Which pages are there, and how does each become HTML? Jinja escapes all that templates print: names are anybody's text."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from healthmon.answers import overview as standing
from healthmon.web import queries
from healthmon.web.queries import OverviewQuery
from healthmon.web.views.choice import Choice, choose
from healthmon.web.views.overview import Overview, overview
from healthmon.web.views.problems import problems

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from healthmon.config import Config
    from healthmon.store.connection import Connection
    from healthmon.web.assets import Assets
    from healthmon.web.hub import Hub
    from healthmon.web.problems import Problem
    from healthmon.web.reader import Reader

TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """The handlers of all pages."""

    def __init__(self, config: Config, reader: Reader, hub: Hub, assets: Assets) -> None:
        self._config = config
        self._reader = reader
        self._hub = hub
        self._services = {one.name: one for one in config.enabled_services()}
        self._runbooks = {name: str(one.runbook_url) for name, one in self._services.items() if one.runbook_url is not None}
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals["asset"] = assets.url
        self._templates.globals["refresh_s"] = max(1, round(config.dashboard.refresh_interval_seconds))

    async def overview(self, request: Request) -> Response:
        choice = queries.read(OverviewQuery, request.query_params).choice()
        version = f"{self._hub.life}-{await self._hub.look()}"  # before reading: what changes meanwhile is told again
        view = await self._reader.ask(lambda connection: self._overview(connection, choice))
        return self._page("overview.html", view, path="/", version=version)

    async def login(self, _request: Request) -> Response:
        return self._page("login.html", None)

    def problem(self, problem: Problem) -> Response:
        """Return the page that says why there is no other."""
        return self._page("problem.html", problem, status=problem.status)

    def _overview(self, connection: Connection, choice: Choice) -> Overview:
        now = standing.read(connection, self._config)
        chosen = choose(now.report.lines, choice)
        shown = [line.service.service_id for line in chosen.lines]
        pasts = standing.read_past(connection, shown, until=now.report.at)
        return overview(
            now, problems(now, self._runbooks), chosen=chosen, pasts=pasts, choice=choice, settings=self._services
        )

    def _page(self, template: str, view: object, *, status: HTTPStatus = HTTPStatus.OK, path: str = "", version: str = "") -> Response:
        page = self._templates.get_template(template).render(view=view, path=path, version=version)
        return HTMLResponse(page, status_code=status)
