"""How does a browser come by the right to write? By a link that is good once, or by the token itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field
from starlette.responses import JSONResponse
from typing_extensions import TypedDict

from healthmon.web.access import BY_TOKEN, COOKIE, SESSION_FOR, comes_from_here
from healthmon.web.acts import Act, Line
from healthmon.web.problems import Problem
from healthmon.web.writing import read_body, require_our_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from healthmon.web.access import Access


class Login(Act):
    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["key"]}, {"required": ["token"]}]})

    key: str = Field("", max_length=2_000, description="What the link of `healthmon web login` carries.")
    token: str = Field("", max_length=2_000, description="Or the token itself.")
    author: Line = Field("", description="Who, for those who read it later; with the token only.")


class SessionDocument(TypedDict):
    session: str
    author: str
    seconds: float


class Sessions:
    """The session is kept by the page, and is no cookie: browsers send those to every port of a host, whoever listens there.

    Only from another host, where pages could not be read otherwise, a cookie is set that is good for reading.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    async def begin(self, request: Request) -> Response:
        require_our_page(request)
        login = await read_body(request, Login)
        author = self._author(login)
        answer = JSONResponse(SessionDocument(session=self._access.session(author), author=author, seconds=SESSION_FOR.total_seconds()))
        if not comes_from_here(request.scope, request.headers):
            answer.set_cookie(
                COOKIE,
                self._access.reading_cookie(author),
                max_age=int(SESSION_FOR.total_seconds()),
                httponly=True,
                samesite="strict",
                secure=request.headers.get("origin", "").startswith("https://"),
            )
        return answer

    def _author(self, login: Login) -> str:
        if "key" in login.model_fields_set:
            return self._access.redeem(login.key)
        if "token" in login.model_fields_set:
            self._access.require_token(login.token)
            return login.author or BY_TOKEN
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the body needs a key or a token")
