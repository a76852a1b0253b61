"""What does a failure mean: is it the service's or our own, and how is it said in one line?"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from typing import TYPE_CHECKING

from urllib3.exceptions import DecodeError, InvalidHeader

from healthmon.log import clean
from healthmon.model.check import MAX_ERROR_CHARS, CheckReason, Outcome
from healthmon.probes.deadline import Deadline, Phase
from healthmon.probes.expectation import Finding, quoted
from healthmon.probes.tls import PlainHttpError
from healthmon.probes.transport import MAX_ANSWER_BYTES, AnswerTooLargeError
from healthmon.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT_OF_RESOURCES = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EAGAIN},
)
# What this host's own routes and rules say: EACCES is a prohibited route, EINVAL a black hole or a link-local IPv6
# address without its interface, EAFNOSUPPORT IPv6 that is switched off.
NO_NETWORK = frozenset(
    {errno.ENETUNREACH, errno.ENETDOWN, errno.EPERM, errno.EACCES, errno.EINVAL, errno.EAFNOSUPPORT},
)
CUT = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
# What the way to the service says, in ICMP.
UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENONET, errno.ENOPROTOOPT, errno.EPROTO, errno.EOPNOTSUPP},
)

# The numbers are OpenSSL's X509_V_ERR_*, which Python does not name.
_CERTIFICATE_FAULTS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate's authority is self-signed and not known here",
    20: "the certificate's authority is not known here",
    21: "the certificate's authority is not known here",
    23: "the certificate is revoked",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}


def failure(error: BaseException, deadline: Deadline) -> Outcome | None:
    """Return the outcome of a look that ended with `error`, or None when that is a bug of ours.

    requests and urllib3 wrap errors several times: the deepest one that is known here is the truth.
    """
    if deadline.fired:
        return outcome(*_timeout(deadline))
    for cause in reversed(list(_chain(error))):
        found = _known(cause, deadline)
        if found is not None:
            return outcome(*found)
    return None


def bug(error: BaseException) -> Outcome:
    """Return the outcome of a look that ended with an error that nobody foresaw."""
    if isinstance(error, MemoryError) or "start new thread" in str(error):
        return outcome(CheckReason.NO_RESOURCES, f"out of memory or threads here: {error}")
    return outcome(CheckReason.INTERNAL, f"a bug in healthmon: {type(error).__name__}: {error}")


def outcome(
    reason: CheckReason,
    message: str,
    *,
    status_code: int | None = None,
    response_time_s: float | None = None,
) -> Outcome:
    """Make the outcome of a failure, its message one harmless line of bounded length."""
    line = redact(clean(message))
    if len(line) > MAX_ERROR_CHARS:
        line = line[: MAX_ERROR_CHARS - 1] + "…"
    return Outcome(reason=reason, error_message=line, status_code=status_code, response_time_s=response_time_s)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__context__ or seen.__cause__  # the cause that urllib3 names is often a new, empty one


def _known(error: BaseException, deadline: Deadline) -> Finding | None:
    if isinstance(error, AnswerTooLargeError):
        return CheckReason.TOO_LARGE, f"the answer is larger than {MAX_ANSWER_BYTES // 1024} KiB"
    if isinstance(error, PlainHttpError):
        return CheckReason.TLS, f"{deadline.target} answers in plain HTTP; is its URL http:// rather than https://?"
    if isinstance(error, TimeoutError):
        return _timeout(deadline)
    if isinstance(error, ssl.SSLError):
        return _tls(error, deadline)
    if isinstance(error, socket.gaierror):
        return _name(error, deadline)
    if isinstance(error, (http.client.HTTPException, DecodeError, InvalidHeader)):
        return _protocol(error)
    if isinstance(error, OSError):
        return _system(error, deadline)
    return None


def _timeout(deadline: Deadline) -> Finding:
    within = f"within {min(deadline.timeout_s, round(deadline.elapsed_s(), 2)):g} s"
    connected = f"connected after {deadline.connected_after_s or 0:.2f} s"
    match deadline.phase:
        case Phase.RESOLVING:
            return CheckReason.NO_NETWORK, f"the resolver gave no address of {deadline.target} {within}"
        case Phase.CONNECTING:
            return CheckReason.TIMEOUT, f"no connection to {deadline.target} {within}"
        case Phase.HANDSHAKING:
            return CheckReason.TIMEOUT, f"no TLS handshake {within} ({connected})"
        case Phase.WAITING:
            return CheckReason.TIMEOUT, f"no answer {within} ({connected})"
        case Phase.INTERIM:
            return CheckReason.TIMEOUT, f"only interim answers such as 100 Continue {within} ({connected})"
        case Phase.ANSWERING:
            return CheckReason.TIMEOUT, f"the headers were not complete {within} ({connected})"
        case Phase.READING:
            return CheckReason.TIMEOUT, f"the body was not complete {within} ({connected})"


def _tls(error: ssl.SSLError, deadline: Deadline) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _CERTIFICATE_FAULTS.get(error.verify_code, f"the certificate is refused: {error.verify_message}")
        return CheckReason.TLS, f"{fault} ({deadline.target})"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return _cut(deadline)
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}:
        return CheckReason.TLS, f"{deadline.target} does not speak TLS"
    said = (error.reason or str(error)).lower().replace("_", " ")
    return CheckReason.TLS, f"the TLS handshake with {deadline.target} failed: {said}"


def _name(error: socket.gaierror, deadline: Deadline) -> Finding:
    if error.errno == socket.EAI_AGAIN:
        return CheckReason.NO_NETWORK, f"the resolver has no answer for {deadline.target} now: {error.strerror}"
    if error.errno == socket.EAI_MEMORY:
        return CheckReason.NO_RESOURCES, "out of memory here, while resolving a name"
    return CheckReason.DNS, f"no address of {deadline.target}: {error.strerror}"


def _protocol(error: http.client.HTTPException | DecodeError | InvalidHeader) -> Finding | None:
    if isinstance(error, http.client.RemoteDisconnected):
        return CheckReason.RESET, "the connection was closed before an answer"
    if isinstance(error, http.client.BadStatusLine):
        return CheckReason.PROTOCOL, f"the answer is not HTTP: {quoted(str(error.args[0]).strip())}"
    if isinstance(error, http.client.IncompleteRead):
        return CheckReason.PROTOCOL, "the body breaks off before its announced end"
    if isinstance(error, http.client.LineTooLong) or "more than" in str(error):
        return CheckReason.TOO_LARGE, f"the headers are too large: {error}"
    return CheckReason.PROTOCOL, f"the answer is not right HTTP: {quoted(str(error))}"


def _system(error: OSError, deadline: Deadline) -> Finding | None:
    said = error.strerror or str(error)
    if error.errno == errno.ECONNREFUSED:
        return CheckReason.REFUSED, f"refused: nothing listens on {deadline.target}"
    if error.errno in CUT:
        return _cut(deadline)
    if error.errno in UNREACHABLE:
        return CheckReason.UNREACHABLE, f"{deadline.target} cannot be reached: {said}"
    if error.errno in OUT_OF_RESOURCES:
        return CheckReason.NO_RESOURCES, f"this host ran out of something: {said}"
    if error.errno in NO_NETWORK:
        return CheckReason.NO_NETWORK, f"this host cannot get to {deadline.target}: {said}"
    return None


def _cut(deadline: Deadline) -> Finding:
    match deadline.phase:
        case Phase.HANDSHAKING:
            return CheckReason.TLS, f"the TLS handshake was cut off by {deadline.target}"
        case Phase.READING:
            return CheckReason.RESET, f"the connection was cut by {deadline.target} within the body"
        case _:
            return CheckReason.RESET, f"the connection was cut by {deadline.target}"
