"""Which address is answered by what? Puts the pages, the API and what guards them together."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from healthmon import clock
from healthmon.answers import processes
from healthmon.errors import HealthmonError
from healthmon.processes import programs
from healthmon.web import api, queries
from healthmon.web.assets import PREFIX as STATIC
from healthmon.web.assets import Assets
from healthmon.web.conditional import unless_known
from healthmon.web.encoding import tagged
from healthmon.web.endpoints import PREFIX, Asked, Endpoint
from healthmon.web.events import Events
from healthmon.web.guard import STATUS, Guard
from healthmon.web.pages import Pages
from healthmon.web.problems import Problem, ProblemResponse
from healthmon.web.prometheus import Prometheus
from healthmon.web.sessions import Sessions
from healthmon.web.shared import MIN_PACKED_BYTES, PACKED_BY, Shared
from healthmon.web.writing import DEEDS, Writing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from healthmon.config import Config
    from healthmon.log import Log
    from healthmon.store.connection import Connection
    from healthmon.web.access import Access
    from healthmon.web.hub import Hub
    from healthmon.web.reader import Reader


def make(config: Config, reader: Reader, hub: Hub, access: Access, log: Log) -> ASGIApp:
    """Return the whole app."""
    assets = Assets()
    pages = Pages(config, reader, hub, assets)
    writing = Writing(config, access, log)
    names = tuple(programs.names(config))
    shared = Shared(hub.commits)
    answers = Answers(config, names, reader, shared)
    prometheus = Prometheus(config, names, reader)
    routes = [
        Route("/", shared.of(pages.overview)),
        Route("/services/{name}", pages.service),
        Route("/incidents", pages.incidents),
        Route("/incidents/{number:int}", pages.incident),
        Route("/slo", pages.slo),
        Route("/processes", pages.processes),
        Route("/healthz", answers.healthz),
        Route(STATIC + "{name:path}", assets.serve),
        *([Route(STATUS, pages.public)] if config.web.status_page else []),
        Route("/metrics", shared.of(prometheus.metrics)),
        Route("/probe", prometheus.probe),
        Route(PREFIX + "/http_sd", prometheus.targets),
        Route("/login", pages.login),
        Route(PREFIX + "/session", Sessions(access).begin, methods=["POST"]),
        *(Route(PREFIX + deed.path, writing.of(deed), methods=["POST"]) for deed in DEEDS),
        Route(PREFIX + "/openapi.json", answers.openapi),
        Route(PREFIX + "/events", Events(hub).stream),
        *(Route(PREFIX + one.path, answers.of(one)) for one in api.ENDPOINTS),
    ]
    failures = Failures(pages, log)
    return Guard(
        Starlette(
            routes=routes,
            middleware=[Middleware(GZipMiddleware, minimum_size=MIN_PACKED_BYTES, compresslevel=PACKED_BY)],
            exception_handlers={Problem: failures.known, HTTPException: failures.of_http, HealthmonError: failures.ours, Exception: failures.unknown},
        ),
        config.web,
        access,
    )


class Answers:
    """Answers programs."""

    def __init__(self, config: Config, programs: tuple[str, ...], reader: Reader, shared: Shared) -> None:
        self._config = config
        self._programs = programs
        self._reader = reader
        self._shared = shared

    def of(self, endpoint: Endpoint[Any]) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of one endpoint."""

        async def answer(request: Request) -> Response:
            query = queries.read(endpoint.query, request.query_params)
            name = request.path_params.get("name", "")

            def ask(connection: Connection) -> tuple[bytes, str]:
                asked = Asked(
                    connection=connection,
                    config=self._config,
                    known=self._reader.known,
                    programs=self._programs,
                    now=clock.now(),
                    query=query,
                    name=name,
                )
                return tagged(endpoint.ask(asked), asked.known if endpoint.is_shared else None)

            body, tag = await self._reader.ask(ask)
            return Response(body, media_type="application/json", headers={"ETag": tag, "Cache-Control": "private, no-cache"})

        async def conditionally(request: Request) -> Response:
            return unless_known(request, await answer(request))

        return self._shared.of(answer) if endpoint.is_shared else conditionally

    async def openapi(self, _request: Request) -> Response:
        """Return the document of the API; it is made when it is first asked for."""
        from healthmon.web import openapi  # noqa: PLC0415  most agents are never asked

        return JSONResponse(openapi.document())

    async def healthz(self, _request: Request) -> Response:
        """Say whether all our processes are well; needs no database."""
        unwell = await run_in_threadpool(processes.unwell, self._config.paths, self._programs)
        status = HTTPStatus.SERVICE_UNAVAILABLE if unwell else HTTPStatus.OK
        return JSONResponse({"status": "unwell" if unwell else "well", "unwell": unwell}, status_code=status)


class Failures:
    """Answers what cannot be fulfilled: with a document for programs, with a page for people."""

    def __init__(self, pages: Pages, log: Log) -> None:
        self._pages = pages
        self._log = log

    async def known(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101  registered for it alone
        if request.url.path.startswith("/api/"):
            return ProblemResponse(error)
        return self._pages.problem(error)

    async def of_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
        said = f"there is nothing at {request.url.path}" if error.status_code == HTTPStatus.NOT_FOUND else f"{error.detail} here"
        return await self.known(request, Problem(HTTPStatus(error.status_code), said, headers=error.headers))

    async def ours(self, request: Request, error: Exception) -> Response:
        """The database is away, locked, or not there yet: it says so itself."""
        return await self.known(request, Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)))

    async def unknown(self, request: Request, _error: Exception) -> Response:
        self._log.exception("request_failed", path=request.url.path)
        return await self.known(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug of healthmon's: logs/web.log says more"))
