"""What stands between the network and the app? Who may call, by which name, with how much; and what browsers are told."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse

from healthmon.web import hosts
from healthmon.web.access import ASK
from healthmon.web.assets import PREFIX as STATIC
from healthmon.web.problems import Problem, ProblemResponse

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from healthmon.web.access import Access
    from healthmon.web.settings import WebSettings

MAX_BODY_BYTES = 256 * 1024
MAX_DIGITS = 18  # of a length: more is a trick
OPEN_PATHS = ("/healthz", "/login", "/api/v1/session")  # for everybody who can reach us: they say nothing about services
STATUS = "/status"  # where it is switched on
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Wraps the whole app."""

    def __init__(self, app: ASGIApp, settings: WebSettings, access: Access) -> None:
        self._app = app
        self._settings = settings
        self._access = access
        self._open_paths = (*OPEN_PATHS, STATUS) if settings.status_page else OPEN_PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # nothing here speaks anything else

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            self._require_welcome(scope, Headers(scope=scope))
        except Problem as problem:
            await _refusal(problem, scope, Headers(scope=scope))(scope, receive, send_guarded)
            return
        await self._app(scope, _Limited(receive), send_guarded)

    def _require_welcome(self, scope: Scope, headers: Headers) -> None:
        """Raises Problem for who is not answered."""
        _require_small(headers)
        named = headers.getlist("host")
        own = (scope.get("server") or ("", 0))[0]
        configured = (self._settings.host.lower(), *self._settings.allowed_hosts)
        if len(named) != 1 or not hosts.is_allowed(named[0], own_address=own, configured=configured):
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "this server is not called by that name: web.allowed_hosts lists further ones")
        path = scope["path"]
        if not (path in self._open_paths or path.startswith(STATIC) or self._access.may_read(scope, headers)):
            raise Problem(HTTPStatus.UNAUTHORIZED, "from another host a request needs `Authorization: Bearer <web.token>`, a browser /login", headers=ASK)


def _refusal(problem: Problem, scope: Scope, headers: Headers) -> Response:
    """Return what says no: a browser that wants a page is sent where it can show the token."""
    if problem.status is HTTPStatus.UNAUTHORIZED and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        return RedirectResponse("/login", status_code=HTTPStatus.SEE_OTHER)
    return ProblemResponse(problem)


def _require_small(headers: Headers) -> None:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) <= MAX_DIGITS and int(length) <= MAX_BODY_BYTES):
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may carry at most {MAX_BODY_BYTES} bytes")


class _Limited:
    """Receives a body whose length was not told, as far as it is allowed."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may carry at most {MAX_BODY_BYTES} bytes")
        return message
