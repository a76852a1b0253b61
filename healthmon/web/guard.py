"""What stands between the network and the app? Who may call, by which name, with how much; and what browsers are told."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from healthmon.web import hosts
from healthmon.web.problems import Problem, ProblemResponse
from healthmon.web.settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from healthmon.web.settings import WebSettings

MAX_BODY_BYTES = 64 * 1024
OPEN_PATHS = ("/healthz", "/static/")  # for everybody who can reach us: they say nothing about services
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")
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

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings

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
            await ProblemResponse(problem)(scope, receive, send_guarded)
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
        if not (_comes_from_this_host(scope, headers) or scope["path"].startswith(OPEN_PATHS) or self._knows_token(headers)):
            how = {"WWW-Authenticate": 'Bearer realm="healthmon"'}
            raise Problem(HTTPStatus.UNAUTHORIZED, "from another host a request needs the header `Authorization: Bearer <web.token>`", headers=how)

    def _knows_token(self, headers: Headers) -> bool:
        token = self._settings.token
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if token is None or scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.strip().encode("latin-1"), token.get_secret_value().encode())


def _comes_from_this_host(scope: Scope, headers: Headers) -> bool:
    """Tell whether who asks sits here: not behind a proxy that runs here, which says for whom it asks."""
    client = scope.get("client")
    return client is not None and is_loopback(client[0]) and not any(name in headers for name in PROXY_HEADERS)


def _require_small(headers: Headers) -> None:
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:20]) > MAX_BODY_BYTES:
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
