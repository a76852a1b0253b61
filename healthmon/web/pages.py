"""Which pages are there, and how does each become HTML? Jinja escapes all that templates print: names are anybody's text."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from healthmon.answers import live
from healthmon.store import targets
from healthmon.web.views.overview import Overview, overview

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

    async def overview(self, _request: Request) -> Response:
        return self._page("overview.html", await self._reader.ask(self._overview))

    async def login(self, _request: Request) -> Response:
        return self._page("login.html", None)

    def problem(self, problem: Problem) -> Response:
        """Return the page that says why there is no other."""
        return self._page("problem.html", problem, status=problem.status)

    def _overview(self, connection: Connection) -> Overview:
        return overview(live.read(connection, self._config), targets.load(connection))

    def _page(self, template: str, view: object, *, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(view=view), status_code=status)
