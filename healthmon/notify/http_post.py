"""How is one HTTP request made so that its outcome is known? For the senders that we wrote ourselves.

The status line is the proof. Redirects are not followed: `requests` would turn the POST into a GET, and call it a
success. `requests` knows no time limit for the whole, so whoever calls this has to end it from outside.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from healthmon.model.delivery import SendResult, SendStatus
from healthmon.notify import wording
from healthmon.settings import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 512
MIN_RETRY_AFTER_S = 1.0
MAX_RETRY_AFTER_S = 3_600.0
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
UNSENT = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
IMPOSSIBLE = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.InvalidHeader, UnicodeError)
_SECONDS = re.compile(r"\d{1,18}")


def post(url: str, *, body: bytes, headers: Mapping[str, str], now: datetime) -> SendResult:
    """POST `body` to `url`; `now` is what a date in Retry-After is measured from."""
    return post_and_date(url, body=body, headers=headers, now=now)[0]


def post_and_date(url: str, *, body: bytes, headers: Mapping[str, str], now: datetime) -> tuple[SendResult, datetime | None]:
    """POST `body` to `url`, and return also what time the receiver says it is, if it does."""
    with requests.Session() as session:
        try:
            answer = session.post(
                url,
                data=body,
                headers=dict(headers),
                auth=_auth(url),
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,  # what the body says matters to nobody when the status is good
            )
        except IMPOSSIBLE as error:
            return SendResult(status=SendStatus.REFUSED, detail=f"cannot be sent: {type(error).__name__}; check the URL and the headers"), None
        except requests.RequestException as error:
            return _unanswered(error), None
        return _judged(answer, now), _date(answer.headers.get("Date", ""))


def _auth(url: str) -> HTTPBasicAuth | _NoAuth:
    """Return what the URL says, and never what a ~/.netrc does, which would replace a header of the user's."""
    user, password = requests.utils.get_auth_from_url(url)
    return HTTPBasicAuth(user, password) if user or password else _NoAuth()


class _NoAuth(requests.auth.AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _judged(answer: requests.Response, now: datetime) -> SendResult:
    line = wording.one_line(f"{answer.status_code} {answer.reason}", 100)
    if HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return SendResult(status=SendStatus.SENT, detail=line)
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        where = without_secrets(answer.headers.get("Location", "nowhere"))
        return SendResult(status=SendStatus.REFUSED, detail=f"{line}: redirects to {where}, which is not followed; set the URL to the right one")
    detail = f"{line} {_said(answer)}".strip()
    if answer.status_code in PASSING or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SendResult(status=SendStatus.FAILED, detail=detail, retry_after_s=retry_after_s(answer.headers.get("Retry-After", ""), now))
    return SendResult(status=SendStatus.REFUSED, detail=detail)


def _said(answer: requests.Response) -> str:
    """Return the beginning of what the receiver says about its refusal, in one read: a drip is not waited for."""
    with suppress(HTTPError, OSError):
        return wording.one_line(answer.raw.read1(MAX_ANSWER_BYTES, decode_content=False).decode("utf-8", "replace"), 200)
    return ""


def retry_after_s(text: str, now: datetime) -> float | None:
    """Read a Retry-After: seconds or a date. What is neither is ignored; the rest is kept within reason."""
    asked: float | None = None
    if _SECONDS.fullmatch(text.strip()):
        asked = float(text)
    elif (at := _date(text)) is not None:
        asked = (at - now).total_seconds()
    return None if asked is None else min(max(asked, MIN_RETRY_AFTER_S), MAX_RETRY_AFTER_S)


def _date(text: str) -> datetime | None:
    with suppress(ValueError, OverflowError):
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=at.tzinfo or UTC)
    return None


def _unanswered(error: requests.RequestException) -> SendResult:
    """Tell what never went out from what may have arrived. The library's texts hold the URL: they are not used."""
    root = _root(error)
    words = root.strerror if isinstance(root, OSError) and root.strerror else type(root).__name__
    if isinstance(error, UNSENT) or isinstance(root, (NewConnectionError, NameResolutionError)) or _never_connected(error):
        return SendResult(status=SendStatus.FAILED, detail=f"no connection: {wording.one_line(words, 200)}")
    return SendResult(status=SendStatus.UNKNOWN, detail=f"no answer: {wording.one_line(words, 200)}")


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and what it came from: urllib3 keeps some of that in `reason`, requests in `args`."""
    found: list[BaseException] = []
    following: object = error
    while isinstance(following, BaseException) and following not in found:
        found.append(following)
        inside = [getattr(following, "reason", None), following.__cause__, following.__context__, *following.args]
        following = next((one for one in inside if isinstance(one, BaseException) and one not in found), None)
    return found


def _root(error: BaseException) -> BaseException:
    return _chain(error)[-1]


def _never_connected(error: BaseException) -> bool:
    return any(isinstance(one, (NewConnectionError, urllib3.exceptions.ConnectTimeoutError)) for one in _chain(error))
