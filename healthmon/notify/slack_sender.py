"""Slack, and whoever speaks the protocol of its incoming webhooks: Mattermost, Rocket.Chat, a proxy.

Not through Apprise, although it knows Slack: it posts to hooks.slack.com alone, whatever URL it is given, wants a URL
of Slack's own form, follows redirects and does not tell the Retry-After with which Slack paces its callers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import __version__
from healthmon.notify import payloads
from healthmon.notify.http_post import post

if TYPE_CHECKING:
    from healthmon.model.delivery import SendResult
    from healthmon.notify.envelope import Envelope
    from healthmon.notify.settings import SlackSettings


def send(envelope: Envelope, settings: SlackSettings) -> SendResult:
    """POST one message to the webhook."""
    if settings.webhook_url is None:
        raise ValueError("Slack is switched on without a webhook_url")
    body = json.dumps(payloads.slack(envelope, settings)).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"healthmon/{__version__}"}
    return post(settings.webhook_url.get_secret_value(), body=body, headers=headers, now=envelope.at)
