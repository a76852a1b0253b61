"""E-mail, and every other service that Apprise has a URL for.

Apprise answers with yes or no. Why it was no stands in its log alone, so that is listened to: for mail, the server's
own code tells a refusal for good from one that passes.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apprise

from healthmon.model.alert import AlertSeverity
from healthmon.model.delivery import SendResult, SendStatus
from healthmon.notify import payloads, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.notify.channels import AppriseTarget, MailTarget
    from healthmon.notify.envelope import Envelope
    from healthmon.notify.settings import EmailSettings

SMTP_TIMEOUT_S = 12
TLS_PORT = 465
STARTTLS_PORT = 587
MODES = {"none": "insecure", "starttls": "starttls", "tls": "ssl"}
TYPES = {
    AlertSeverity.CRITICAL: apprise.NotifyType.FAILURE,
    AlertSeverity.WARNING: apprise.NotifyType.WARNING,
    AlertSeverity.INFO: apprise.NotifyType.INFO,
}
MAX_LINES = 200
LOGIN_CODES = {530, 534, 535, 538}  # no message of ours is at fault: it may be taken once the password is right
_SMTP_CODE = re.compile(r"\((?P<code>[245]\d\d), b['\"](?P<text>.*?)['\"][,)]")
_SUBMITTING = re.compile(r'Sending email to ".*" failed')


def send_mail(envelope: Envelope, target: MailTarget) -> SendResult:
    """Send one message to one address."""
    settings = target.settings
    plugin: Any = apprise.Apprise.instantiate(_mail(envelope, target), asset=_asset())
    if plugin is None:
        return SendResult(status=SendStatus.REFUSED, detail="Apprise takes no such mail settings; check from_email and to_email")
    if len(plugin.targets) != 1:
        return SendResult(status=SendStatus.REFUSED, detail=f"{wording.one_line(target.to, 100)} is no mail address; correct to_email")
    plugin.socket_connect_timeout = SMTP_TIMEOUT_S
    done, said = _notify(plugin, envelope, title=envelope.rendered.title, body=envelope.rendered.body)
    if done:
        return SendResult(status=SendStatus.SENT, detail=f"taken by {settings.smtp_server}:{settings.smtp_port} for {wording.one_line(target.to, 100)}")
    return judged_mail(said)


def send(envelope: Envelope, target: AppriseTarget) -> SendResult:
    """Send one message to an Apprise URL."""
    plugin = apprise.Apprise.instantiate(target.url.get_secret_value(), asset=_asset())
    if plugin is None:
        return SendResult(status=SendStatus.REFUSED, detail="Apprise cannot use this URL; see https://github.com/caronc/apprise/wiki")
    if "overflow=" not in target.url.get_secret_value():
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE  # the beginning of a message matters; 20 text messages cost
    title, body = wording.without_mentions(envelope.rendered.title), wording.without_mentions(envelope.rendered.body)
    done, said = _notify(plugin, envelope, title=title, body=body)
    if done:
        return SendResult(status=SendStatus.SENT, detail=f"Apprise: {plugin.service_name} took it")
    warnings = [line for level, line in said if level >= logging.WARNING]
    return SendResult(status=SendStatus.FAILED, detail=wording.one_line("; ".join(warnings) or "Apprise does not say why", 300))


def encryption(settings: EmailSettings) -> str:
    """Return `none`, `starttls` or `tls`. A password never goes out in the clear unless the user says so."""
    if settings.encryption != "auto":
        return settings.encryption
    if settings.smtp_port == TLS_PORT:
        return "tls"
    return "starttls" if settings.smtp_port == STARTTLS_PORT or settings.username else "none"


def judged_mail(said: list[tuple[int, str]]) -> SendResult:
    """Tell what became of a mail from what Apprise logged.

    Whoever broke off without a code after the server had let us in may have taken the mail: only then it is unknown.
    """
    text = "\n".join(line for _, line in said)
    found = _SMTP_CODE.search(text)
    if found is not None:
        code, answer = int(found["code"]), wording.one_line(f"{found['code']} {found['text']}", 200)
        final = code >= 500 and code not in LOGIN_CODES  # noqa: PLR2004  RFC 5321, 4.2.1
        return SendResult(status=SendStatus.REFUSED if final else SendStatus.FAILED, detail=answer)
    why = [line.partition(": ")[2] for _, line in said if line.startswith("Socket Exception: ")]
    detail = wording.one_line("; ".join(why) or "Apprise does not say why", 200)
    if _SUBMITTING.search(text):
        return SendResult(status=SendStatus.UNKNOWN, detail=f"no answer to the mail: {detail}")
    return SendResult(status=SendStatus.FAILED, detail=f"no connection: {detail}")


def _mail(envelope: Envelope, target: MailTarget) -> dict[str, Any]:
    settings = target.settings
    login = {} if settings.username is None else {"user": settings.username}
    if settings.password is not None:
        login["password"] = settings.password.get_secret_value()
    return {
        "schema": "mailto",
        "host": settings.smtp_server,
        "port": settings.smtp_port,
        "smtp_host": settings.smtp_server,
        "secure_mode": MODES[encryption(settings)],
        "from_addr": settings.from_email,
        "targets": target.to,
        "headers": _headers(envelope),
        **login,
    }


def _headers(envelope: Envelope) -> dict[str, str]:
    """Return what joins the mails about one outage into one thread, and keeps out of office replies from us."""
    host = envelope.key.rsplit("-", 2)[0]
    conversations = dict.fromkeys(one.conversation_id for one in envelope.notification.affected if one.conversation_id)
    threads = " ".join(f"<conversation-{number}@{host}.healthmon>" for number in list(conversations)[:10])
    return {"Auto-Submitted": "auto-generated", "X-Healthmon-Idempotency-Key": envelope.key, **({"References": threads} if threads else {})}


def _asset() -> apprise.AppriseAsset:
    """No time limit of Apprise's own: for one it sends in a thread of a pool, which a fork does not have; a child is ended from outside."""
    return apprise.AppriseAsset(
        app_id="healthmon",
        app_desc="healthmon",
        app_url="",
        async_mode=False,
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=0,
    )


def _notify(plugin: Any, envelope: Envelope, *, title: str, body: str) -> tuple[bool, list[tuple[int, str]]]:
    told = envelope.notification
    target = apprise.Apprise(asset=plugin.asset)
    target.add(plugin)
    with _listening() as said:
        done = target.notify(
            title=title,
            body=body,
            notify_type=apprise.NotifyType.SUCCESS if told.kind in payloads.CALM else TYPES[payloads.mood_of(told)],
            body_format=apprise.NotifyFormat.TEXT,
        )
    return bool(done), said


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.said) < MAX_LINES:
            self.said.append((record.levelno, record.getMessage()))


@contextmanager
def _listening() -> Iterator[list[tuple[int, str]]]:
    """Hear what Apprise logs meanwhile."""
    logger, listener = logging.getLogger("apprise"), _Listener()
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    try:
        yield listener.said
    finally:
        logger.setLevel(level)
        logger.removeHandler(listener)
