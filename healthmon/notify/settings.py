"""What may be set about the channels by which people and machines are told?"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema, field_validator

from healthmon.alerts.settings import EscalationSettings, GroupingSettings, MaintenanceSettings, Name, RouteSettings
from healthmon.settings import Secret, SecretHeaders, SecretHttpUrl, Settings, Text, split_url

T = TypeVar("T")

_OUR_NAME = re.compile(r"(email|slack|webhook|apprise|alertmanager)(-\d+)?")
_SECRET_TEXT = {"type": "string", "format": "password", "writeOnly": True}


def _needed(value: T, info: ValidationInfo) -> T:
    """Refuse an absent value of a channel that is switched on."""
    if value is None and info.data.get("enabled") is True:
        raise ValueError("is missing, and enabled is true: add it, or set enabled to false")
    return value


def _apprise_url(url: SecretStr) -> SecretStr:
    if not re.match(r"[A-Za-z0-9+.-]+://\S", url.get_secret_value()):
        raise ValueError("is not a URL as Apprise reads it: write it as in 'tgram://BOTTOKEN/CHATID'")
    return url


def _one_or_several(written: Any) -> Any:
    """Take one URL for a list of one. What is wrong with it is told here, where its key is, and not of a list's first."""
    if isinstance(written, str):
        split_url(written, schemes=("https", "http"))
        return (written,)
    return () if written is None else tuple(written) if isinstance(written, list) else written


def _own_name(name: str) -> str:
    if _OUR_NAME.fullmatch(name):
        raise ValueError("is what healthmon calls a channel by its place: choose another name, as in 'oncall'")
    return name


def _url_alone(written: Any) -> Any:
    """Take a URL for a target without a name."""
    return {"url": written} if isinstance(written, str) else written


AppriseUrl = Annotated[SecretStr, AfterValidator(_apprise_url)]
Alertmanagers = Annotated[
    tuple[SecretHttpUrl, ...],
    BeforeValidator(_one_or_several),
    WithJsonSchema({"anyOf": [_SECRET_TEXT, {"type": "array", "items": _SECRET_TEXT}, {"type": "null"}]}),
]


class EmailSettings(Settings):
    """The `email_notifications` block."""

    enabled: bool = Field(default=False, description="Send mail.")
    smtp_server: Text | None = Field(None, description="Host name of the mail server.", validate_default=True)
    smtp_port: int = Field(587, ge=1, le=65_535, description="Port of the mail server: 587 for STARTTLS, 465 for TLS.")
    from_email: Text | None = Field(None, description="Address that the mail comes from.", validate_default=True)
    to_email: Text | None = Field(
        None,
        description="Address that the mail goes to; several are separated by commas, and each is mailed by itself.",
        validate_default=True,
    )
    username: Text | None = Field(None, description="Name to log in with. Leave it out when the server asks for none.")
    password: Secret | None = Field(None, description="Password to log in with. Best as ${file:…}, ${env:…} or ${cred:…}.")
    encryption: Literal["auto", "none", "starttls", "tls"] = Field(
        "auto",
        description="auto: tls on port 465, starttls on 587 or with a username, none elsewhere.",
    )

    _required = field_validator("smtp_server", "from_email", "to_email")(_needed)

    @field_validator("from_email", "to_email")
    @classmethod
    def _is_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        parts = [] if value is None else value.split(",") if info.field_name == "to_email" else [value]
        if any("@" not in part or not part.isprintable() for part in parts):
            raise ValueError("must be a mail address, as in 'devops@company.com'")
        return value

    @field_validator("username", "password")
    @classmethod
    def _is_ascii(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        if value is not None and not (value if isinstance(value, str) else value.get_secret_value()).isascii():
            raise ValueError("must be plain ASCII: Python's SMTP cannot log in with other characters")
        return value

    @property
    def addresses(self) -> tuple[str, ...]:
        """Who gets the mail."""
        return tuple(part.strip() for part in (self.to_email or "").split(",") if part.strip())


class SlackSettings(Settings):
    """The `slack_notifications` block."""

    enabled: bool = Field(default=False, description="Write to Slack.")
    webhook_url: SecretHttpUrl | None = Field(
        None,
        description="The incoming webhook that Slack gave you; whoever knows it can write to your channel.",
        validate_default=True,
    )
    channel: Text | None = Field(None, description="Channel, where the webhook lets us choose: '#infrastructure-alerts'.")
    username: Text | None = Field(None, description="Name under which the messages appear.")

    _required = field_validator("webhook_url")(_needed)


class WebhookSettings(Settings):
    """The `webhook_notifications` block."""

    enabled: bool = Field(default=False, description="POST each message as JSON.")
    url: SecretHttpUrl | None = Field(None, description="Where to POST to.", validate_default=True)
    headers: SecretHeaders = Field({}, description="Headers to send along, such as Authorization.")
    template: Literal["default", "datadog"] = Field(
        "default",
        description="What the JSON looks like: default is ours, datadog is what Datadog's events API reads.",
    )
    hmac_secret: Secret | None = Field(
        None,
        description="Key of an HMAC-SHA256 of each body, sent along as X-Healthmon-Signature, by which the receiver knows us.",
    )

    _required = field_validator("url")(_needed)


class AppriseSettings(Settings):
    """One entry of `apprise`: a URL alone, or one with a name by which routes know it wherever it stands."""

    url: Annotated[AppriseUrl, WithJsonSchema(_SECRET_TEXT)] = Field(description="Target as Apprise reads it: 'tgram://BOTTOKEN/CHATID'.")
    name: Annotated[Name, AfterValidator(_own_name)] | None = Field(None, description="What it is called, as in 'oncall'; without it apprise-1, apprise-2 … by its place.")


Apprise = Annotated[AppriseSettings, BeforeValidator(_url_alone, json_schema_input_type=AppriseSettings | Annotated[str, WithJsonSchema(_SECRET_TEXT)])]


class AlertingSettings(Settings):
    """The `alerting` block. A channel that is left out is switched off."""

    email_notifications: EmailSettings = Field(EmailSettings(), description="Messages by mail.")
    slack_notifications: SlackSettings = Field(SlackSettings(), description="Messages to Slack.")
    webhook_notifications: WebhookSettings = Field(WebhookSettings(), description="Messages to an HTTP endpoint of yours.")
    grouping: GroupingSettings = Field(GroupingSettings(), description="Which messages are one, and how often they are repeated.")
    routes: tuple[RouteSettings, ...] = Field((), description="Which messages go to which channels: the first that takes one decides. Default: all to all.")
    escalation: tuple[EscalationSettings, ...] = Field((), description="Who else is told, step by step, of what nobody acknowledges.")
    maintenance: tuple[MaintenanceSettings, ...] = Field((), description="When which services are worked on: then nobody is told of them.")
    apprise: tuple[Apprise, ...] = Field(
        (),
        description="Further targets as Apprise URLs, each alone or as an object with its url and a name; see https://github.com/caronc/apprise/wiki.",
    )
    alertmanager: Alertmanagers = Field(
        (),
        description="Prometheus Alertmanager to hand all alerts to: 'http://localhost:9093'. Of a cluster, a list of all its members, each by itself.",
    )
    rate_limit_per_10_minutes: int = Field(
        20,
        ge=2,
        le=10_000,
        description="Most messages to one channel in any 10 minutes; what is more is told together, in one message.",
    )
