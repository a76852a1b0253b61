"""Does a URL answer as expected?"""

from __future__ import annotations

import http.client
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests

from healthmon import __version__
from healthmon.model.check import CheckReason, Outcome
from healthmon.probes import tls
from healthmon.probes.classify import failure, outcome
from healthmon.probes.deadline import Deadline, Phase
from healthmon.probes.expectation import Body, Head, fault_in_body, fault_in_head, quoted, wants_body
from healthmon.probes.transport import Envelope, Transport
from healthmon.settings import without_secrets

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

    from healthmon.probes.expectation import Finding
    from healthmon.probes.resolve import Address
    from healthmon.probes.settings import ProbeSettings
    from healthmon.probes.transport import Answer

MAX_REDIRECTS = 5
MAX_BODY_BYTES = 256 * 1024
PIECE_BYTES = 16 * 1024
MAX_SHOWN_URL = 200
DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OUR_HEADERS = {
    "User-Agent": f"healthmon/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class RedirectRefusedError(Exception):
    """A redirect leads to where we do not go."""


class HttpProbe:
    """Asks with GET, follows redirects, and judges status, headers and body.

    The response time is what it took until the headers were complete, redirects included: the body is read only
    when something is expected of it.
    """

    def __init__(self, settings: ProbeSettings) -> None:
        self._timeout_s = settings.timeout_seconds
        self._expect = settings.expect
        own = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._request = _prepared(settings.url, {**OUR_HEADERS, **own})
        rules = settings.tls
        self._transport = Transport(partial(tls.context, verify=rules.verify, ca_file=rules.ca_file, strict=rules.strict))

    def ask(self) -> Outcome:
        with Deadline(self._timeout_s) as deadline:
            try:
                return self._ask(deadline)
            except RedirectRefusedError as error:
                return outcome(CheckReason.REDIRECT, str(error))
            except tls.TrustError as error:
                return outcome(CheckReason.INTERNAL, str(error))
            except Exception as error:
                found = failure(error, deadline)
                if found is None:
                    raise
                return found
            finally:
                self._transport.hang_up()

    def _ask(self, deadline: Deadline) -> Outcome:
        request = self._request
        for _ in range(MAX_REDIRECTS + 1):
            allow = None if request is self._request else _refuse_link_local
            answer = self._transport.exchange(request, deadline, allow=allow)
            location = self._redirected_to(answer)
            if location is None:
                return self._judge(answer, deadline)
            self._transport.hang_up()
            request = _next(request, location)
        raise RedirectRefusedError(f"more than {MAX_REDIRECTS} redirects, the last to {_shown(request.url)}")

    def _redirected_to(self, answer: Answer) -> str | None:
        """Return where to go on; a redirect that is itself what is expected is not followed."""
        if answer.status not in REDIRECTS or self._expect.allows(answer.status):
            return None
        return answer.fields.get("Location")

    def _judge(self, answer: Answer, deadline: Deadline) -> Outcome:
        response_time_s = deadline.elapsed_s()
        fault = fault_in_head(self._expect, Head(answer.status, answer.reason, answer.fields if self._expect.headers else {}))
        if fault is None and wants_body(self._expect):
            fault = self._fault_in_body(answer, deadline)
        reason, message = fault or (CheckReason.OK, "")
        if reason is CheckReason.OK:
            found = Outcome(reason=reason, status_code=answer.status, response_time_s=response_time_s)
        else:
            found = outcome(reason, message, status_code=answer.status, response_time_s=response_time_s)
        expires_at = self._transport.cert_expires_at
        return found if expires_at is None else replace(found, cert_expires_at=expires_at)

    def _fault_in_body(self, answer: Answer, deadline: Deadline) -> Finding | None:
        """Judge the body. A failure to read it becomes the fault, beside the status code that did arrive."""
        try:
            body = _read(answer.body(), deadline)
        except Exception as error:
            found = failure(error, deadline)
            if found is None:
                raise
            return found.reason, found.error_message or ""
        return fault_in_body(self._expect, answer.fields, body)


def _read(body: HTTPResponse, deadline: Deadline) -> Body:
    deadline.phase = Phase.READING
    pieces: list[bytes] = []
    size = 0
    while size < MAX_BODY_BYTES:
        deadline.remaining_s()  # raises when the time is over
        piece = body.read1(min(PIECE_BYTES, MAX_BODY_BYTES - size), decode_content=True)
        if deadline.fired:
            raise TimeoutError
        if not piece:
            return Body(b"".join(pieces), complete=True)
        pieces.append(piece)
        size += len(piece)
    return Body(b"".join(pieces), complete=not body.read1(1, decode_content=True))


def _prepared(url: str, headers: dict[str, str]) -> Envelope:
    return Envelope(requests.Request("GET", url, headers=headers).prepare())


def _next(request: Envelope, location: str) -> Envelope:
    """Return the request that a redirect asks for; the operator's own headers stay with the operator's host."""
    try:
        url = urljoin(request.url, location)
        if urlsplit(url).scheme not in DEFAULT_PORTS:
            raise RedirectRefusedError(f"redirected to {_shown(url)}: only http and https are followed")
        return _prepared(url, request.headers if _stays(request.url, url) else OUR_HEADERS)
    except (requests.RequestException, http.client.HTTPException, ValueError) as error:
        raise RedirectRefusedError(f"redirected to {quoted(location)}, which is not a URL") from error


def _stays(old: str, new: str) -> bool:
    """Is it the same server: the same origin, or its https after its http, both on their usual ports?"""
    (scheme, host, port), there = _origin(old), _origin(new)
    return there == (scheme, host, port) or ((scheme, port) == ("http", 80) and there == ("https", host, 443))


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]


def _refuse_link_local(address: Address) -> None:
    """Keep a redirect away from link-local addresses: a cloud's keys lie at one of them."""
    ip = getattr(address.ip, "ipv4_mapped", None) or address.ip
    if ip.is_link_local:
        raise RedirectRefusedError(f"redirected to {ip}, a link-local address")


def _shown(url: str) -> str:
    shown = without_secrets(url)
    return shown if len(shown) <= MAX_SHOWN_URL else f"{shown[:MAX_SHOWN_URL]}…"
