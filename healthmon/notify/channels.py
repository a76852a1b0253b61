"""Which channels are there, in which order, and under which public names?

A channel is one single target: what one of two mail addresses refuses must not be sent to the other again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from healthmon.notify.settings import EmailSettings, SlackSettings, WebhookSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from healthmon.notify.settings import AlertingSettings

EMAIL = "email"
SLACK = "slack"
WEBHOOK = "webhook"
APPRISE = "apprise"
ALERTMANAGER = "alertmanager"
MIN_TOKEN_CHARS = 8
MIN_WORDLIKE_TOKEN_CHARS = 16  # a shorter part of a URL, without a digit, is a word such as `services`


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTarget:
    """One address behind a mail server."""

    settings: EmailSettings
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseTarget:
    url: SecretStr


Target = MailTarget | SlackSettings | WebhookSettings | AppriseTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A target and its public name: the word in `deliveries.channel`, in routes and in `healthmon alerts test`."""

    name: str
    target: Target

    @property
    def digest(self) -> str:
        """What the target is known by when it is called otherwise; says nothing of what is secret in it."""
        match self.target:
            case MailTarget() as mail:
                return _digest(EMAIL, mail.to.casefold())
            case SlackSettings() as slack:
                return _digest(SLACK, _secret(slack.webhook_url))
            case WebhookSettings() as webhook:
                return _digest(WEBHOOK, _secret(webhook.url))
            case AppriseTarget() as other:
                return _digest(APPRISE, other.url.get_secret_value())


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """Who is handed alerts as they stand. It is told by no message, so it is no channel that one can be queued for."""

    name: str
    url: SecretStr

    @property
    def digest(self) -> str:
        return _digest(ALERTMANAGER, self.url.get_secret_value())


def digests(settings: AlertingSettings) -> dict[str, str]:
    """Return who is behind each name, as a digest."""
    found: tuple[Channel | Alertmanager, ...] = (*enabled(settings), *alertmanagers(settings))
    return {one.name: one.digest for one in found}


def _digest(kind: str, target: str) -> str:
    return hashlib.sha256(f"{kind} {target}".encode()).hexdigest()[:16]


def _secret(url: SecretStr | None) -> str:
    return "" if url is None else url.get_secret_value()


def enabled(settings: AlertingSettings) -> tuple[Channel, ...]:
    """Return the channels that are switched on: `email` (then `email-2` …), `slack`, `webhook`, `apprise-1` …."""
    return tuple(Channel(name=name, target=target) for name, target in _targets(settings))


def alertmanagers(settings: AlertingSettings) -> tuple[Alertmanager, ...]:
    """Return who is handed alerts: `alertmanager`, then `alertmanager-2` …. They fail, and are said to, like channels."""
    return tuple(
        Alertmanager(name=ALERTMANAGER if number == 1 else f"{ALERTMANAGER}-{number}", url=url)
        for number, url in enumerate(settings.alertmanager, 1)
    )


def _targets(settings: AlertingSettings) -> Iterator[tuple[str, Target]]:
    email = settings.email_notifications
    if email.enabled:
        for number, address in enumerate(email.addresses, 1):
            yield EMAIL if number == 1 else f"{EMAIL}-{number}", MailTarget(settings=email, to=address)
    if settings.slack_notifications.enabled:
        yield SLACK, settings.slack_notifications
    if settings.webhook_notifications.enabled:
        yield WEBHOOK, settings.webhook_notifications
    for number, one in enumerate(settings.apprise, 1):
        yield one.name or f"{APPRISE}-{number}", AppriseTarget(url=one.url)


def secrets(settings: AlertingSettings) -> set[str]:
    """Return every text in the settings that nobody may be shown: a library may quote it in an error."""
    return set(_secrets(settings))


def _secrets(settings: AlertingSettings) -> Iterator[str]:
    webhook = settings.webhook_notifications
    for secret in (settings.email_notifications.password, webhook.hmac_secret, *webhook.headers.values()):
        if secret is not None:
            yield from {secret.get_secret_value(), *secret.get_secret_value().split()[-1:]}  # Bearer TOKEN
    for url in (settings.slack_notifications.webhook_url, webhook.url, *(one.url for one in settings.apprise)):
        if url is not None:
            yield from _secret_parts(url.get_secret_value())
    for url in settings.alertmanager:  # the whole is no secret: a service's URL may begin with it
        yield from {*_secret_parts(url.get_secret_value())} - {url.get_secret_value()}


def _secret_parts(url: str) -> Iterator[str]:
    """Yield what gives a URL its power: all of it, its password, and what in its path and query is no mere word."""
    yield url
    parts = urlsplit(url)
    if parts.password:
        yield from {parts.password, unquote(parts.password)}
    inner = (*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query)), parts.username or "")
    host = parts.hostname or ""
    where = () if "." in host or parts.scheme in {"http", "https"} else (parts.netloc.rpartition("@")[2],)  # tgram://TOKEN/CHAT
    for part in filter(_is_token, (*inner, *where)):
        yield from {part, unquote(part)}


def _is_token(part: str) -> bool:
    return len(part) >= (MIN_TOKEN_CHARS if any(map(str.isdigit, part)) else MIN_WORDLIKE_TOKEN_CHARS)
