"""How is a server's certificate judged? One context for each distinct way, shared by all services that want it so."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from healthmon.probes.deadline import Phase

if TYPE_CHECKING:
    from healthmon.probes.deadline import Deadline


class TrustError(Exception):
    """The authorities that a service's certificate is to be judged by cannot be read."""


class PlainHttpError(Exception):
    """The port answers in HTTP, without TLS."""


@lru_cache(maxsize=64)
def context(*, verify: bool, ca_file: str | None, strict: bool) -> ssl.SSLContext:
    """Return the context for these settings; a certain `ca_file` replaces the system's store.

    Python 3.13 made strict X.509 the default, which refuses many private authorities that every browser of their
    company accepts: here it is on only when asked for. Raises TrustError when `ca_file` cannot be used.
    """
    try:
        made = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise TrustError(f"cannot use tls.ca_file {ca_file}: {error.strerror or error}") from error
    made.set_alpn_protocols(["http/1.1"])
    if strict:
        made.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def wrap(plain: socket.socket, host: str, deadline: Deadline, rules: ssl.SSLContext) -> ssl.SSLSocket:
    """Make the TLS handshake with `host` over `plain`, which must not be used any more.

    Raises OSError, of which ssl.SSLError is one, and PlainHttpError.
    """
    deadline.phase = Phase.HANDSHAKING
    try:
        wrapped = rules.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        deadline.hold(wrapped)
        wrapped.do_handshake()
    except BaseException as error:
        is_http = isinstance(error, ssl.SSLError) and _answered_in_http(wrapped)
        wrapped.close()
        if not is_http:
            raise
    else:
        return wrapped
    raise PlainHttpError  # not while the other is handled: it would count as the deeper truth


def expires_at(wrapped: ssl.SSLSocket) -> datetime | None:
    """Return when the server's certificate expires; None when it is not verified, for then nobody reads it."""
    not_after = (wrapped.getpeercert() or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC) if isinstance(not_after, str) else None


def _answered_in_http(failed: ssl.SSLSocket) -> bool:
    """Look at what is left of an answer whose first five bytes, `HTTP/`, OpenSSL took for the head of a TLS record."""
    try:
        rest = socket.socket.recv(failed, 3, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return rest in {b"1.0", b"1.1"}
