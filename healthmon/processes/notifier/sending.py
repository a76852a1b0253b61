"""Which sender is it for which channel? Loaded in the child alone: the notifier itself stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.notify.channels import AppriseTarget, MailTarget
from healthmon.notify.settings import SlackSettings, WebhookSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from healthmon.model.delivery import SendResult
    from healthmon.notify.alertmanager_batch import Entry
    from healthmon.notify.channels import Alertmanager, Channel
    from healthmon.notify.envelope import Envelope


# ruff: noqa: PLC0415  a sender loads what only it needs
def send(channel: Channel, envelope: Envelope) -> SendResult:
    """Send one message to one channel, however long it takes."""
    match channel.target:
        case MailTarget() as mail:
            from healthmon.notify import apprise_sender

            return apprise_sender.send_mail(envelope, mail)
        case AppriseTarget() as other:
            from healthmon.notify import apprise_sender

            return apprise_sender.send(envelope, other)
        case SlackSettings() as slack:
            from healthmon.notify import slack_sender

            return slack_sender.send(envelope, slack)
        case WebhookSettings() as webhook:
            from healthmon.notify import webhook_sender

            return webhook_sender.send(envelope, webhook)


def hand_over(target: Alertmanager, batches: Sequence[Sequence[Entry]], *, now: datetime, max_ahead: timedelta) -> SendResult:
    """Post alerts to one Alertmanager, however long it takes."""
    from healthmon.notify import alertmanager_sender

    return alertmanager_sender.send(batches, target.url.get_secret_value(), now=now, max_ahead=max_ahead)
