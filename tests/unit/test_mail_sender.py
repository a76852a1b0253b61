"""Mail against real servers, plain, with STARTTLS and with TLS; and against those that misbehave."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from pydantic import SecretStr

from healthmon.model.delivery import SendStatus
from healthmon.notify import apprise_sender
from healthmon.notify.channels import AppriseTarget, MailTarget
from healthmon.notify.envelope import Envelope, enclose
from healthmon.notify.settings import EmailSettings
from tests.builders import NOW, a_notification
from tests.hostile import Certificate, Server, is_deaf, self_signed
from tests.receivers import Answer, Receiver, smtp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

PASSWORD = "p:/@ss w%rd"


class Box:
    """Keeps the mails that arrive."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.to: list[str] = []
        self.encrypted: list[bool] = []
        self.users: list[object] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content))
        self.to += envelope.rcpt_tos
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.users.append(session.auth_data)
        return "250 taken"

    def subjects(self) -> list[str]:
        return [str(make_header(decode_header(mail["Subject"]))) for mail in self.mails]


def allow(_server: SMTP, _session: object, _envelope: object, _mechanism: str, data: LoginPassword) -> AuthResult:
    good = (data.login, data.password) == (b"hm", PASSWORD.encode())
    return AuthResult(success=good, handled=False, auth_data=data.login)


@contextmanager
def mail_server(box: Box, **options: Any) -> Iterator[int]:
    controller = Controller(box, hostname="127.0.0.1", port=0, ready_timeout=10, **options)
    controller.port = _free_port()
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with Server(is_deaf) as server:
        return server.port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificates"), name="mail", host="IP:127.0.0.1,DNS:localhost")


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server of this certificate needs; clients trust it meanwhile."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))
    rules = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    rules.load_cert_chain(certificate.chain, certificate.key)
    return rules


def letter(**changes: Any) -> Envelope:
    return enclose(replace(a_notification(**changes), notification_id=42), at=NOW, possible_repeat=False)


def target(port: int, *, to: str = "devops@example.com", **changes: Any) -> MailTarget:
    facts: dict[str, Any] = {"enabled": True, "smtp_server": "localhost", "smtp_port": port, "from_email": "hm@example.com", "to_email": to}
    return MailTarget(settings=EmailSettings(**facts | changes), to=to)


def test_a_mail_arrives_in_the_clear_where_nothing_else_is_asked_for() -> None:
    box = Box()
    with mail_server(box) as port:
        result = apprise_sender.send_mail(letter(), target(port))
    assert (result.status, result.detail) == (SendStatus.SENT, f"taken by localhost:{port} for devops@example.com")
    [mail] = box.mails
    assert (box.to, box.subjects()) == (["devops@example.com"], ["[CRITICAL] doc_store is down on web-1"])
    assert mail["From"] == "hm@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == "<conversation-1@web-1.healthmon>"
    assert mail["X-Healthmon-Idempotency-Key"] == "web-1-42-1795348800000"
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().replace("\r\n", "\n").strip() == letter().rendered.body
    assert mail.get_content_type() == "text/plain"


def test_starttls_with_a_login(trusted: ssl.SSLContext) -> None:
    box = Box()
    with mail_server(box, tls_context=trusted, require_starttls=True, authenticator=allow, auth_required=True) as port:
        result = apprise_sender.send_mail(letter(), target(port, username="hm", password=SecretStr(PASSWORD)))
    assert result.status is SendStatus.SENT, result.detail
    assert (box.encrypted, box.users) == ([True], [b"hm"])


def test_tls_from_the_start_with_a_login(trusted: ssl.SSLContext) -> None:
    box = Box()
    options = {"ssl_context": trusted, "authenticator": allow, "auth_require_tls": False}
    with mail_server(box, **options) as port:
        there = target(port, username="hm", password=SecretStr(PASSWORD), encryption="tls")
        result = apprise_sender.send_mail(letter(), there)
    assert result.status is SendStatus.SENT, result.detail
    assert box.encrypted == [True]


def test_a_wrong_password_is_retried_and_not_shown(trusted: ssl.SSLContext) -> None:
    with mail_server(Box(), tls_context=trusted, authenticator=allow, auth_required=True) as port:
        result = apprise_sender.send_mail(letter(), target(port, username="hm", password=SecretStr("wrong-word")))
    assert result.status is SendStatus.FAILED
    assert result.detail.startswith("535 ")
    assert "wrong-word" not in result.detail


def test_a_certificate_that_nobody_signed_is_a_failure(certificate: Certificate) -> None:
    rules = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    rules.load_cert_chain(certificate.chain, certificate.key)
    with mail_server(Box(), tls_context=rules) as port:
        result = apprise_sender.send_mail(letter(), target(port, encryption="starttls"))
    assert result.status is SendStatus.FAILED
    assert "certificate verify failed" in result.detail


def test_a_server_without_starttls_gets_no_mail_where_it_is_asked_for() -> None:
    box = Box()
    with mail_server(box) as port:
        result = apprise_sender.send_mail(letter(), target(port, encryption="starttls"))
    assert (result.status, box.mails) == (SendStatus.FAILED, [])


@pytest.mark.parametrize(
    ("port", "changes", "expected"),
    [
        (465, {}, "tls"),
        (587, {}, "starttls"),
        (25, {}, "none"),
        (2525, {"username": "u"}, "starttls"),
        (25, {"encryption": "tls"}, "tls"),
        (587, {"encryption": "none", "username": "u"}, "none"),
    ],
)
def test_what_is_encrypted_how(port: int, changes: dict[str, Any], expected: str) -> None:
    assert apprise_sender.encryption(target(port, **changes).settings) == expected


@pytest.mark.parametrize("field", ["service", "message"])
def test_no_text_of_outside_becomes_a_header(field: str) -> None:
    box = Box()
    with mail_server(box) as port:
        apprise_sender.send_mail(letter(**{field: "x\r\nBcc: all@example.com\r\n\r\nbody"}), target(port))
    assert box.to == ["devops@example.com"]
    assert box.mails[0]["Bcc"] is None


REPLIES = [
    ({"BANNER": "421 too busy"}, SendStatus.FAILED, "421 too busy"),
    ({"RCPT": "451 greylisted, come back"}, SendStatus.FAILED, "451 greylisted"),
    ({"RCPT": "550 5.1.1 no such user"}, SendStatus.REFUSED, "550 5.1.1 no such user"),
    ({"MAIL": "553 not from you"}, SendStatus.REFUSED, "553 not from you"),
    ({"BODY": "554 spam"}, SendStatus.REFUSED, "554 spam"),
    ({"BODY": "452 disk full"}, SendStatus.FAILED, "452 disk full"),
    ({"BODY": ""}, SendStatus.UNKNOWN, "no answer to the mail"),
    ({"BANNER": ""}, SendStatus.FAILED, "no connection"),
]


@pytest.mark.parametrize(("replies", "status", "detail"), REPLIES)
def test_a_servers_own_word_decides(
    replies: dict[str, str],
    status: SendStatus,
    detail: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apprise_sender, "SMTP_TIMEOUT_S", 0.5)
    with Server(smtp(replies)) as server:
        result = apprise_sender.send_mail(letter(), target(server.port))
    assert result.status is status
    assert result.detail.startswith(detail)


def test_a_server_that_hangs_after_it_took_the_mail_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_sender, "SMTP_TIMEOUT_S", 0.5)
    with Server(smtp({"QUIT": ""})) as server:
        assert apprise_sender.send_mail(letter(), target(server.port)).status is SendStatus.SENT


def test_nobody_there_and_no_address_are_told_apart() -> None:
    nobody = apprise_sender.send_mail(letter(), target(_free_port()))
    assert (nobody.status, nobody.detail) == (SendStatus.FAILED, "no connection: [Errno 111] Connection refused")
    wrong = apprise_sender.send_mail(letter(), target(25, to="a@-"))
    assert (wrong.status, wrong.detail) == (SendStatus.REFUSED, "a@- is no mail address; correct to_email")


def other(url: str) -> AppriseTarget:
    return AppriseTarget(url=SecretStr(url))


def test_an_apprise_url_gets_title_and_text() -> None:
    with Receiver() as receiver:
        result = apprise_sender.send(letter(), other(f"json://127.0.0.1:{receiver.port}/in"))
    assert (result.status, result.detail) == (SendStatus.SENT, "Apprise: JSON took it")
    document = receiver.requests[0].document
    assert (document["title"], document["type"]) == ("[CRITICAL] doc_store is down on web-1", "failure")
    assert document["message"].startswith("doc_store (critical service, group core) is down.\nWhat: ")


def test_what_an_apprise_url_refuses_is_retried_with_its_reason_and_a_redirect_is_no_success() -> None:
    with Receiver(answer=Answer(status=503)) as receiver:
        failed = apprise_sender.send(letter(), other(f"json://127.0.0.1:{receiver.port}/in"))
        receiver.answer = Answer(status=302, headers={"Location": "/elsewhere"})
        redirected = apprise_sender.send(letter(), other(f"json://127.0.0.1:{receiver.port}/in"))
    assert (failed.status, redirected.status) == (SendStatus.FAILED, SendStatus.FAILED)
    assert "error=503" in failed.detail
    assert len(receiver.requests) == 2


def test_a_url_that_apprise_does_not_know_is_refused_without_being_shown() -> None:
    result = apprise_sender.send(letter(), other("nosuchthing://secret-token-1"))
    assert result.status is SendStatus.REFUSED
    assert "secret" not in result.detail
