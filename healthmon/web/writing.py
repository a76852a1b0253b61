"""How is a request answered that wants something done? Only for who shows the token, and only from our own pages."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from typing_extensions import TypedDict

from healthmon import clock
from healthmon.errors import UsageError
from healthmon.processes import acting
from healthmon.processes.acting import ActStatus
from healthmon.web import acts
from healthmon.web.access import ASK
from healthmon.web.acts import Act, Deed, Doing
from healthmon.web.problems import Problem
from healthmon.web.queries import said

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from healthmon.config import Config
    from healthmon.log import Log
    from healthmon.processes.acting import Acted
    from healthmon.web.access import Access

JSON = "application/json"
BODY_S = 10.0
MAX_DIGITS = 18  # of a number that SQLite can hold

DEEDS: tuple[Deed[Any], ...] = (
    Deed(path="/services/{name}/ack", summary="Say that its outage is seen.", body=acts.Acknowledge, action=acts.acknowledge),
    Deed(path="/services/{name}/hold", summary="Do not restart it for a while.", body=acts.Hold, action=acts.hold),
    Deed(path="/services/{name}/release", summary="End a hold, or let healing try again what it has given up on.", body=acts.Release, action=acts.release),
    Deed(path="/services/{name}/heal-now", summary="Restart it now.", body=acts.HealNow, action=acts.heal_now),
    Deed(path="/silences", summary="Tell nobody of what matches.", body=acts.BeginSilence, action=acts.begin_silence),
    Deed(path="/silences/{number}/end", summary="End a silence.", body=acts.End, action=acts.end_silence),
    Deed(path="/maintenances", summary="Begin work on services.", body=acts.BeginMaintenance, action=acts.begin_maintenance),
    Deed(path="/maintenances/{number}/end", summary="End work on services.", body=acts.End, action=acts.end_maintenance),
)


class ActedDocument(TypedDict):
    status: ActStatus
    words: str


class Writing:
    """The handlers of all that is posted."""

    def __init__(self, config: Config, access: Access, log: Log) -> None:
        self._config = config
        self._access = access
        self._log = log

    def of(self, deed: Deed[Any]) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of one deed."""

        async def do(request: Request) -> Response:
            author = self._author(request)
            wanted = await read_body(request, deed.body)
            name, number = request.path_params.get("name", ""), _number(request.path_params.get("number"))
            self._require_known(wanted, name)
            action = deed.action(Doing(wanted=wanted, author=author, now=clock.now(), name=name, number=number))
            return _answer(await run_in_threadpool(partial(acting.act, self._config.paths, action)))

        return do

    def _author(self, request: Request) -> str:
        """Return who wants it. Raises Problem for who may not."""
        require_our_page(request)
        author = self._access.author(request.headers)
        if author is None:
            detail = "to change something, a request needs `Authorization: Bearer …`: `healthmon web login` lets a browser have it"
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, headers=ASK)
        return author

    def _require_known(self, wanted: Act, name: str) -> None:
        named = wanted.services if isinstance(wanted, acts.BeginMaintenance) else (name,) if name else ()
        for one in named:
            try:
                self._config.service(one)
            except UsageError as error:
                raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error


async def read_body(request: Request, model: type[acts.A]) -> acts.A:
    """Return what a body says. Raises Problem that names what is wrong."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body must be {JSON}")
    try:
        async with asyncio.timeout(BODY_S):
            body = await request.body()
        return model.model_validate_json(body)
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_S:.0f} s") from None
    except ValidationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, said(error, model)) from None


def require_our_page(request: Request) -> None:
    """Raises Problem for a browser that shows somebody else's page. What is no browser says nothing of a page."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    is_foreign = origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    if is_foreign or site not in {"same-origin", "none"}:
        raise Problem(HTTPStatus.FORBIDDEN, "a page of another origin asked for this")


def _number(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) > 0):
        raise Problem(HTTPStatus.NOT_FOUND, "the path must have a number in it, from 1 on")
    return int(text)


def _answer(acted: Acted) -> Response:
    if acted.status is ActStatus.REFUSED:
        raise Problem(HTTPStatus.CONFLICT, acted.words)
    words = acted.words or "it is written down, and done as soon as the agent comes to it"
    status = HTTPStatus.OK if acted.status is ActStatus.DONE else HTTPStatus.ACCEPTED
    return JSONResponse(ActedDocument(status=acted.status, words=words), status_code=status)
