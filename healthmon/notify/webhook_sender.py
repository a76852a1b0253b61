"""The webhook: each message as JSON, POSTed to an endpoint of the user's."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from healthmon import __version__
from healthmon.notify import payloads
from healthmon.notify.http_post import post

if TYPE_CHECKING:
    from healthmon.model.delivery import SendResult
    from healthmon.notify.envelope import Envelope
    from healthmon.notify.settings import WebhookSettings

TEMPLATES = {"default": payloads.ours, "datadog": payloads.datadog}
NOT_THE_USERS = {"content-length", "transfer-encoding", "connection"}  # they would break the request


def send(envelope: Envelope, settings: WebhookSettings) -> SendResult:
    """POST one message."""
    if settings.url is None:
        raise ValueError("the webhook is switched on without a URL")
    body = json.dumps(TEMPLATES[settings.template](envelope), ensure_ascii=False).encode()
    return post(settings.url.get_secret_value(), body=body, headers=headers(envelope, settings, body), now=envelope.at)


def headers(envelope: Envelope, settings: WebhookSettings, body: bytes) -> dict[str, str]:
    """Return our headers, the user's, which may replace them, and those by which the receiver knows the message."""
    said = {"content-type": "application/json", "user-agent": f"healthmon/{__version__}"}
    theirs = {name.lower(): value.get_secret_value() for name, value in settings.headers.items()}
    said |= {name: value for name, value in theirs.items() if name not in NOT_THE_USERS}
    said["idempotency-key"] = envelope.key
    if settings.hmac_secret is not None:
        timestamp = str(int(envelope.at.timestamp()))
        said["x-healthmon-timestamp"] = timestamp
        said["x-healthmon-signature"] = signature(settings.hmac_secret.get_secret_value(), timestamp, body)
    return {name.title(): value for name, value in said.items()}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign time and body together: an old request cannot be sent again under a new time."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
