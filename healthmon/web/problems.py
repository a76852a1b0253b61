"""How is a request answered that cannot be fulfilled? RFC 9457 for programs; pages say the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(TypedDict):
    type: str
    title: str
    status: int
    detail: str


class Problem(Exception):  # noqa: N818  RFC 9457 calls it so
    """Raised by whoever handles a request; `detail` is one line that a person can act on."""

    def __init__(self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class ProblemResponse(JSONResponse):
    """A problem as its document."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem) -> None:
        super().__init__(document(problem), status_code=problem.status, headers=problem.headers)


def document(problem: Problem) -> ProblemDocument:
    return ProblemDocument(type="about:blank", title=problem.status.phrase, status=int(problem.status), detail=problem.detail)
