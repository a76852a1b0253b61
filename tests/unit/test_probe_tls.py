"""What a probe says about certificates and handshakes that are wrong."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.check import CheckReason, Outcome
from healthmon.probes import make, tls
from healthmon.probes.settings import ProbeSettings
from tests import hostile
from tests.hostile import Certificate, Server, answers, drips, in_tls, sends

if TYPE_CHECKING:
    import socket
    from pathlib import Path

TIMEOUT_S = 0.4
HERE = "IP:127.0.0.1"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(directory: Path) -> Certificate:
    return hostile.self_signed(directory, name="authority", host="DNS:authority")


def ask(server: Server, **settings: Any) -> Outcome:
    url = server.url.replace("http:", "https:")
    probe = make(ProbeSettings.model_validate({"url": url, "timeout_seconds": TIMEOUT_S, **settings}))
    began = time.monotonic()
    outcome = probe.ask()
    assert time.monotonic() - began < TIMEOUT_S + 0.5
    return outcome


def trusting(authority: Certificate, **rules: Any) -> dict[str, Any]:
    return {"tls": {"ca_file": str(authority.chain), **rules}}


def test_a_good_certificate_of_a_private_authority(authority: Certificate) -> None:
    good = hostile.signed_by(authority, name="good", host=HERE)
    with Server(in_tls(good, answers(body=b"ready"))) as server:
        assert ask(server, **trusting(authority), expect={"body": "ready"}).reason is CheckReason.OK
        assert ask(server).error_message == (
            f"the certificate's authority is not known here (127.0.0.1:{server.port})"
        )
        assert ask(server, tls={"verify": False}).reason is CheckReason.OK


def test_when_a_verified_certificate_expires_is_told_with_every_answer(authority: Certificate) -> None:
    good = hostile.signed_by(authority, name="soon", host=HERE, days=7)
    with Server(in_tls(good, answers(body=b"ready"))) as server:
        told = ask(server, **trusting(authority)).cert_expires_at
        assert told is not None
        assert timedelta(days=6, hours=23) < told - datetime.now(UTC) <= timedelta(days=7)
        assert ask(server, **trusting(authority), expect={"body": "steady"}).cert_expires_at == told
        assert ask(server, tls={"verify": False}).cert_expires_at is None


def test_strict_judging_is_only_for_who_asks_for_it(authority: Certificate) -> None:
    """A certificate without a key identifier, as many private authorities make them: Python 3.13 alone refuses it."""
    bare = hostile.signed_by(authority, name="bare", host=HERE)
    with Server(in_tls(bare, answers())) as server:
        assert ask(server, **trusting(authority)).reason is CheckReason.OK
        assert ask(server, **trusting(authority, strict=True)).reason is CheckReason.TLS


def test_a_certificate_that_has_expired(authority: Certificate) -> None:
    old = hostile.signed_by(authority, name="old", host=HERE, days=-1)
    with Server(in_tls(old, answers())) as server:
        outcome = ask(server, **trusting(authority))
    assert outcome.reason is CheckReason.TLS
    assert outcome.error_message == f"the certificate has expired (127.0.0.1:{server.port})"


@pytest.mark.parametrize("host", ["IP:127.0.0.2", "DNS:elsewhere.example"])
def test_a_certificate_for_another_host(authority: Certificate, host: str) -> None:
    other = hostile.signed_by(authority, name=host.partition(":")[2], host=host)
    with Server(in_tls(other, answers())) as server:
        outcome = ask(server, **trusting(authority))
    assert outcome.reason is CheckReason.TLS
    assert "the certificate is for another" in (outcome.error_message or "")


def test_a_self_signed_certificate(directory: Path) -> None:
    own = hostile.self_signed(directory, name="own", host=HERE)
    with Server(in_tls(own, answers())) as server:
        outcome = ask(server)
    assert outcome.reason is CheckReason.TLS
    assert outcome.error_message == f"the certificate is self-signed (127.0.0.1:{server.port})"


def test_a_handshake_that_is_never_answered_is_a_timeout() -> None:
    with Server(hostile.is_deaf) as server:
        outcome = ask(server)
    assert outcome.reason is CheckReason.TIMEOUT
    assert "no TLS handshake within 0.4 s" in (outcome.error_message or "")


def test_a_handshake_that_is_cut_off() -> None:
    def hangs_up(connection: socket.socket, _server: Server) -> None:
        connection.recv(4_096)

    with Server(hangs_up) as server:
        outcome = ask(server)
    assert outcome.reason is CheckReason.TLS
    assert "cut off" in (outcome.error_message or "")


NOT_TLS = {
    "HTTP/1.1": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers in plain HTTP; is its URL http:// rather than https://?"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n", "answers in plain HTTP; is its URL http:// rather than https://?"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak TLS"),
    "noise": (bytes(range(128, 256)), "does not speak TLS"),
}


@pytest.mark.parametrize(("said", "message"), NOT_TLS.values(), ids=NOT_TLS)
def test_a_port_that_does_not_speak_tls(said: bytes, message: str) -> None:
    def answers_at_once(connection: socket.socket, _server: Server) -> None:
        connection.recv(4_096)
        connection.sendall(said)

    with Server(answers_at_once) as server:
        outcome = ask(server)
    assert outcome.reason is CheckReason.TLS
    assert outcome.error_message == f"127.0.0.1:{server.port} {message}"


def test_a_drip_inside_tls_is_a_timeout_too(authority: Certificate) -> None:
    good = hostile.signed_by(authority, name="drip", host=HERE)
    with Server(in_tls(good, drips(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"))) as server:
        assert ask(server, **trusting(authority)).reason is CheckReason.TIMEOUT


def test_a_body_that_is_cut_inside_tls(authority: Certificate) -> None:
    good = hostile.signed_by(authority, name="cut", host=HERE)
    cut = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nready")
    with Server(in_tls(good, cut)) as server:
        outcome = ask(server, **trusting(authority), expect={"body": "ready"})
    assert outcome.reason in {CheckReason.PROTOCOL, CheckReason.RESET}


def test_an_authority_file_that_is_missing_says_nothing_about_the_service(tmp_path: Path) -> None:
    with Server(hostile.is_deaf) as server:
        outcome = ask(server, tls={"ca_file": str(tmp_path / "none.pem")})
    assert outcome.reason is CheckReason.INTERNAL
    assert "none.pem" in (outcome.error_message or "")


def test_services_with_the_same_rules_share_one_context() -> None:
    one = tls.context(verify=True, ca_file=None, strict=False)
    assert tls.context(verify=True, ca_file=None, strict=False) is one
    assert tls.context(verify=True, ca_file=None, strict=True) is not one


def test_no_python_is_stricter_than_asked() -> None:
    assert not tls.context(verify=True, ca_file=None, strict=False).verify_flags & ssl.VERIFY_X509_STRICT
    assert tls.context(verify=True, ca_file=None, strict=True).verify_flags & ssl.VERIFY_X509_STRICT


# Of a port that is not asked over HTTP


def shake_hands(server: Server, **settings: Any) -> Outcome:
    return make(ProbeSettings.model_validate({"type": "tls", "url": f"tls://127.0.0.1:{server.port}", "timeout_seconds": TIMEOUT_S, **settings})).ask()


def test_a_port_with_a_good_certificate_says_when_that_expires(authority: Certificate) -> None:
    good = hostile.signed_by(authority, name="mail", host=HERE, days=7)
    with Server(in_tls(good, hostile.is_deaf)) as server:
        found = shake_hands(server, **trusting(authority))
        assert (found.reason, found.response_time_s is not None) == (CheckReason.OK, True)
        assert found.cert_expires_at is not None
        assert timedelta(days=6) < found.cert_expires_at - datetime.now(UTC) < timedelta(days=8)
        assert shake_hands(server).error_message == f"the certificate's authority is not known here (127.0.0.1:{server.port})"
        assert shake_hands(server, tls={"verify": False}).reason is CheckReason.OK


def test_a_port_without_tls_or_without_a_word_is_ill() -> None:
    def greets(connection: socket.socket, _server: Server) -> None:
        connection.sendall(b"* OK IMAP4rev1 ready\r\n")
        connection.recv(4_096)

    with Server(greets) as server:
        assert shake_hands(server).error_message == f"127.0.0.1:{server.port} does not speak TLS"
    with Server(hostile.is_deaf) as server:
        assert shake_hands(server).reason is CheckReason.TIMEOUT
