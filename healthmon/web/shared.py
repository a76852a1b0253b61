"""How is an answer made once for all who ask for the same at the same time?

A change sends a hundred viewers for the same page within a second. Whoever asks gets what was read at or after that moment, or
what the database says still: so a shared answer never says less than one's own would. Only ages in words may be a second old,
and what is told to who accepts it so, as HTTP has it, by `Cache-Control: max-age`.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from healthmon import clock
from healthmon.web import conditional

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    Handler = Callable[[Request], Awaitable[Response]]

KEPT_S = 1.0
MIN_PACKED_BYTES = 1_000
PACKED_BY = 4  # 9 takes six times as long, for a hundredth less
MAX_AGE = re.compile(r"max-age=(\d{1,9})")
VARY = ("accept",)  # the headers that make another answer


class Made:
    """An answer, and of which state of the database it is. Packed when somebody first wants it so."""

    def __init__(self, response: Response, *, commits: int, began_s: float) -> None:
        self.response = response
        self.commits = commits
        self.began_s = began_s
        self._packed: asyncio.Task[bytes] | None = None

    async def for_one(self, request: Request) -> Response:
        """Return the answer as who asks can take it: packed, or none where it is known already."""
        known = conditional.unless_known(request, self.response)
        if known is not self.response:
            return known
        told = Response(self.response.body, self.response.status_code, dict(self.response.headers))
        if len(self.response.body) < MIN_PACKED_BYTES:
            return told
        told.headers["Vary"] = "Accept-Encoding"
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return told
        if self._packed is None:
            self._packed = asyncio.create_task(run_in_threadpool(gzip.compress, bytes(self.response.body), PACKED_BY, mtime=0))
        packed = await asyncio.shield(self._packed)
        told.body = packed
        told.headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
        return told


class Place:
    """Where one question's answer lies while anybody may share it."""

    def __init__(self) -> None:
        self.making = asyncio.Lock()
        self.made: Made | None = None


class Shared:
    """Belongs to the event loop of the server. `commits` tells, by another number, that somebody wrote."""

    def __init__(self, commits: Callable[[], Awaitable[int]]) -> None:
        self._commits = commits
        self._places: dict[tuple[str, ...], Place] = {}

    def of(self, handler: Handler) -> Handler:
        """Return a handler that shares what the given one answers."""

        async def answer(request: Request) -> Response:
            arrived_s = clock.monotonic()
            now = await self._commits()
            key = (request.url.path, request.url.query, *(request.headers.get(name, "") for name in VARY))
            place = self._places.setdefault(key, Place())
            since_s = arrived_s - _accepted_age_s(request)
            made = _good(place.made, now, since_s)
            if made is None:
                async with place.making:
                    made = _good(place.made, now, since_s) or await self._make(handler, request, key, place)
            return await made.for_one(request)

        return answer

    async def _make(self, handler: Handler, request: Request, key: tuple[str, ...], place: Place) -> Made:
        began_s = clock.monotonic()
        commits = await self._commits()  # before reading: what is written meanwhile makes it another state
        try:
            made = Made(await handler(request), commits=commits, began_s=began_s)
            if made.response.status_code == HTTPStatus.OK:
                place.made = made
            return made
        finally:
            asyncio.get_running_loop().call_later(KEPT_S, self._forget, key, place)

    def _forget(self, key: tuple[str, ...], place: Place) -> None:
        """Let go of an answer that is too old to be shared; one that was made since goes with its own call."""
        is_young = place.made is not None and clock.monotonic() - place.made.began_s < KEPT_S
        if not is_young and self._places.get(key) is place:
            del self._places[key]


def _good(made: Made | None, commits: int, since_s: float) -> Made | None:
    """Return an answer if it says all that was written until `since_s`."""
    return made if made is not None and (made.commits == commits or made.began_s >= since_s) else None


def _accepted_age_s(request: Request) -> float:
    """Return how old an answer may be for who says so: a page that has heard of nothing new, and asks all the same."""
    found = MAX_AGE.fullmatch(request.headers.get("cache-control", ""))
    return 0.0 if found is None else min(KEPT_S, float(found[1]))
