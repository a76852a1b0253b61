"""Who has an answer already? Then it need not be sent again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


def unless_known(request: Request, whole: Response) -> Response:
    """Return the answer, or that it is known, by the ETag that it carries."""
    tag = whole.headers.get("etag")
    if tag is None or not _knows(request, tag):
        return whole
    kept = {name: whole.headers[name] for name in ("etag", "cache-control") if name in whole.headers}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)


def _knows(request: Request, tag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag.removeprefix("W/") in known or known == ["*"]
