"""How does who looks on hear of a change at once? Server-Sent Events, which a browser takes up again where they broke off."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import Field
from starlette.responses import StreamingResponse

from healthmon import clock
from healthmon.clock import to_iso
from healthmon.web import queries
from healthmon.web.problems import Problem
from healthmon.web.queries import Query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from healthmon.web.hub import Change, Hub, News

MAX_VIEWERS = 256
RETRY_MS = 2_000  # after which a browser comes again
_ID = re.compile("([0-9]{17})-([0-9]{1,15})")  # as \d, which is any digit of any script, it takes pydantic 1.3 MiB


class EventsQuery(Query):
    since: str | None = Field(None, pattern=_ID.pattern, description="The id of the last event that was seen. The header Last-Event-ID says the same.")


class Events:
    """The handler of `/api/v1/events`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._written: tuple[tuple[Change, ...], str] = ((), "")

    async def stream(self, request: Request) -> Response:
        query = queries.read(EventsQuery, request.query_params)
        if self._hub.viewers >= MAX_VIEWERS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_VIEWERS} viewers look on already", headers={"Retry-After": "10"})
        seen = request.headers.get("last-event-id") or query.since
        headers = {"X-Accel-Buffering": "no"}  # a proxy that collects an answer before it passes it on would never pass this one on
        return StreamingResponse(self._told(seen), media_type="text/event-stream", headers=headers)

    async def _told(self, seen: str | None) -> AsyncIterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        last = self._number(seen)
        if last is None:
            last = await self._hub.look()
            if seen:
                yield _event(self._id(last), "reset", "{}")
        async for news in self._hub.follow(last):
            yield self._changes(news) + self._beat(news)

    def _number(self, seen: str | None) -> int | None:
        """Return the number of the change that was seen last; None when it is none of this process's life."""
        match = _ID.fullmatch(seen or "")
        if match is None or match[1] != self._hub.life or int(match[2]) > self._hub.number:
            return None
        return int(match[2])

    def _changes(self, news: News) -> str:
        """Return the changes as they are sent: written once for all who are told the same."""
        if self._written[0] is not news.changes:
            self._written = news.changes, "".join(_event(self._id(one.number), one.kind, one.text) for one in news.changes)
        return self._written[1]

    def _beat(self, news: News) -> str:
        words = {"at": to_iso(clock.now()), "newest_check": news.newest_check, "trouble": news.trouble}
        return _event(self._id(news.number), "beat", json.dumps(words, ensure_ascii=False))

    def _id(self, number: int) -> str:
        return f"{self._hub.life}-{number}"


def _event(event_id: str, kind: str, text: str) -> str:
    """JSON has no line breaks in it, so one line of data holds it all."""
    return f"id: {event_id}\nevent: {kind}\ndata: {text}\n\n"
