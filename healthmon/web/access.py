"""Who may read, and who may write? The token, what is signed with it, and how often somebody may guess."""

from __future__ import annotations

import hmac
import secrets as random
from datetime import timedelta
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.settings import MINUTE_S
from healthmon.web import signing
from healthmon.web.problems import Problem
from healthmon.web.settings import is_loopback
from healthmon.web.signing import Purpose, Word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.types import Scope

COOKIE = "healthmon_reading"
LOGIN_FOR = timedelta(minutes=5)
SESSION_FOR = timedelta(hours=12)
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")
BY_TOKEN = "the token"  # noqa: S105  the author of what is done with nothing but it
MAX_FAILURES = 20  # within a minute, all callers together: who knows the token is let in all the same
ASK = {"WWW-Authenticate": 'Bearer realm="healthmon"'}


class Access:
    """Judges requests. `started_at` ends what was handed out for one use in an earlier life."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._started_at = clock.now()
        self._used: dict[str, datetime] = {}  # nonces of login links, until they expire anyway
        self._failures: list[float] = []

    def may_read(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        """Tell whether who asks sits on this host, or has shown the token."""
        return comes_from_here(scope, headers) or self.author(headers) is not None or self._has_cookie(headers)

    def author(self, headers: Mapping[str, str]) -> str | None:
        """Return who asks, when the request may write; None when it carries no token. Raises Problem for a wrong one."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        given = given.strip()
        if hmac.compare_digest(given.encode("latin-1"), self._secret):
            return BY_TOKEN
        word = signing.read(self._secret, Purpose.SESSION, given, now=clock.now())
        if word is not None:
            return word.author
        raise self._failed("the token is wrong, or the session is over: `healthmon web login` prints a new link")

    def redeem(self, key: str) -> str:
        """Return the author of a login link, once. Raises Problem for any other text."""
        now = clock.now()
        word = signing.read(self._secret, Purpose.LOGIN, key, now=now)
        self._used = {nonce: until for nonce, until in self._used.items() if until > now}
        if word is None or word.nonce in self._used or word.issued_at < self._started_at:
            raise self._failed("this link was used, or its five minutes are over: `healthmon web login` prints a new one")
        self._used[word.nonce] = word.expires_at
        return word.author

    def require_token(self, given: str) -> None:
        """Raises Problem when it is not the token."""
        if not hmac.compare_digest(given.encode(), self._secret):
            raise self._failed("this is not the token")

    def session(self, author: str) -> str:
        return self._signed(Purpose.SESSION, author)

    def reading_cookie(self, author: str) -> str:
        return self._signed(Purpose.READING, author)

    def _signed(self, purpose: Purpose, author: str) -> str:
        return signing.sign(self._secret, purpose, new_word(author, SESSION_FOR))

    def _has_cookie(self, headers: Mapping[str, str]) -> bool:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return morsel is not None and signing.read(self._secret, Purpose.READING, morsel.value, now=clock.now()) is not None

    def _failed(self, detail: str) -> Problem:
        """Count a failure; after many, say so instead of what was wrong."""
        now_s = clock.monotonic()
        self._failures = [at for at in self._failures if now_s - at < MINUTE_S][-MAX_FAILURES:]
        if len(self._failures) >= MAX_FAILURES:
            return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens: wait a minute", headers={"Retry-After": "60"})
        self._failures.append(now_s)
        return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=ASK)


def login_key(secret: bytes, author: str) -> str:
    """Return what `healthmon web login` puts into its link."""
    return signing.sign(secret, Purpose.LOGIN, new_word(author, LOGIN_FOR))


def new_word(author: str, length: timedelta) -> Word:
    now = clock.now()
    return Word(author=author, issued_at=now, expires_at=now + length, nonce=random.token_urlsafe(12))


def comes_from_here(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Tell whether who asks sits on this host: not behind a proxy that runs here, which says for whom it asks."""
    client = scope.get("client")
    return client is not None and is_loopback(client[0]) and not any(name in headers for name in PROXY_HEADERS)
