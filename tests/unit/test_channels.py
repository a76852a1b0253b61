"""From the settings to the channels, their names and what of them nobody may see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from healthmon.notify import channels
from healthmon.notify.settings import AlertingSettings

MAIL = {"enabled": True, "smtp_server": "smtp.example.com", "from_email": "hm@example.com", "to_email": "a@example.com, b@example.com"}
SLACK = {"enabled": True, "webhook_url": "https://hooks.slack.com/services/T0001/B00000002/abcDEF123456"}
WEBHOOK = {"enabled": True, "url": "https://u:pass%21word@example.com/in/health-alerts?api_key=0123456789abcdef"}


def settings(**blocks: Any) -> AlertingSettings:
    return AlertingSettings.model_validate_json(json.dumps(blocks))


def test_channels_come_in_their_order_and_each_address_is_one() -> None:
    found = channels.enabled(
        settings(
            apprise=["tgram://123456789:abc/1", "json://localhost"],
            webhook_notifications=WEBHOOK,
            slack_notifications=SLACK,
            email_notifications=MAIL,
        ),
    )
    assert [channel.name for channel in found] == ["email", "email-2", "slack", "webhook", "apprise-1", "apprise-2"]
    assert [channel.target.to for channel in found if isinstance(channel.target, channels.MailTarget)] == ["a@example.com", "b@example.com"]


def test_what_is_switched_off_is_no_channel() -> None:
    assert channels.enabled(settings(email_notifications={**MAIL, "enabled": False})) == ()


@pytest.mark.parametrize("address", ["a@example.com,", "a@example.com, nobody", "a@b\r\nBcc: c@d"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="must be a mail address"):
        settings(email_notifications={**MAIL, "to_email": address})


def test_secrets_are_all_that_gives_power_and_no_mere_word() -> None:
    hidden = channels.secrets(
        settings(
            slack_notifications=SLACK,
            webhook_notifications={**WEBHOOK, "headers": {"Authorization": "Bearer tok-1"}, "hmac_secret": "key-1"},
            email_notifications={**MAIL, "username": "u", "password": "pw-1"},
            apprise=["tgram://123456789:ABCdef/42"],
        ),
    )
    assert {"pw-1", "key-1", "tok-1", "abcDEF123456", "B00000002", "pass!word", "0123456789abcdef", "123456789:ABCdef"} <= hidden
    assert not hidden & {"services", "health-alerts", "in", "T0001", "hooks.slack.com", "example.com"}


@pytest.mark.parametrize("key", ["username", "password"])
def test_a_login_that_smtp_could_not_send_is_refused_at_once_and_not_shown(key: str) -> None:
    with pytest.raises(ValidationError, match="must be plain ASCII") as caught:
        settings(email_notifications={**MAIL, key: "wörd"})
    assert "wörd" not in str(caught.value)


def test_a_target_with_a_name_is_called_by_it_wherever_it_stands() -> None:
    mixed = settings(apprise=["json://a", {"name": "oncall", "url": "json://b"}, {"url": "json://c"}])
    assert [one.name for one in channels.enabled(mixed)] == ["apprise-1", "oncall", "apprise-3"]
    moved = settings(apprise=[{"name": "oncall", "url": "json://b"}])
    assert channels.digests(moved)["oncall"] == channels.digests(mixed)["oncall"]


@pytest.mark.parametrize("name", ["email", "email-2", "slack", "webhook", "apprise-1", "alertmanager", " x", "a\nb", ""])
def test_a_name_that_is_no_name_or_ours_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        settings(apprise=[{"name": name, "url": "json://b"}])


ONE_OR_SEVERAL: list[tuple[Any, dict[str, str]]] = [
    ("http://a:9093", {"alertmanager": "http://a:9093"}),
    (["http://a:9093", "http://b:9093"], {"alertmanager": "http://a:9093", "alertmanager-2": "http://b:9093"}),
    ([], {}),
    (None, {}),
]


@pytest.mark.parametrize(("written", "expected"), ONE_OR_SEVERAL)
def test_one_alertmanager_or_several_and_none_of_them_a_channel_of_messages(written: Any, expected: dict[str, str]) -> None:
    found = settings(alertmanager=written)
    assert {one.name: one.url.get_secret_value() for one in channels.alertmanagers(found)} == expected
    assert channels.enabled(found) == ()


def test_of_an_alertmanagers_url_only_what_gives_power_is_secret() -> None:
    hidden = channels.secrets(settings(alertmanager=["http://localhost:9093", "https://hm:pass-1@example.com/alerts/"]))
    assert hidden == {"pass-1"}
