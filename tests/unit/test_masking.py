"""Does a configuration that is kept and shown hold none of the secrets that stand in it, and show that one has changed?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from healthmon import config
from healthmon.config_source import file
from healthmon.config_source.masking import masked

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECRETS = ("hunter2222", "tok-en12345", "hook-me-678", "pass.word.9", "k3y-of-mail", "apprise-99")


def settings(**changes: Any) -> dict[str, Any]:
    """A file with a secret in every place where one can stand."""
    return {
        "services": [
            {
                "name": "a",
                "url": "http://user:hunter2222@localhost/health?token=tok-en12345",
                "headers": {"Authorization": "Bearer tok-en12345", "X-Plain": "${env:HM_TOKEN}"},
            },
        ],
        "alerting": {
            "slack_notifications": {"enabled": True, "webhook_url": "https://hooks.example/hook-me-678", "channel": "#x"},
            "email_notifications": {
                "enabled": True,
                "smtp_server": "mail.example",
                "from_email": "a@example.com",
                "to_email": "b@example.com",
                "username": "u",
                "password": "pass.word.9",
            },
            "webhook_notifications": {"enabled": True, "url": "https://x.example/", "hmac_secret": "k3y-of-mail"},
            "apprise": ["tgram://apprise-99/chat"],
        },
        **changes,
    }


def shown(path: Path, said: dict[str, Any], *, known: dict[str, str], number: int) -> tuple[str, dict[str, str]]:
    path.write_text(json.dumps(said))
    source = file.read(path)
    what, masks = masked(source.root.plain(), config.build(source), known=known, number=number)
    return json.dumps(what), masks


def test_no_secret_is_in_what_is_shown_and_what_is_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HM_TOKEN", "from-outside-1")
    text, _ = shown(tmp_path / "c.json", settings(), known={}, number=7)
    assert [secret for secret in (*SECRETS, "from-outside-1") if secret in text] == []
    assert all(word in text for word in ("${env:HM_TOKEN}", "mail.example", "#x", "localhost/health", "(secret as of configuration 7)"))


def test_a_secret_that_stays_is_shown_as_before_and_one_that_changes_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HM_TOKEN", "from-outside-1")
    first, masks = shown(tmp_path / "c.json", settings(), known={}, number=1)
    same, masks = shown(tmp_path / "c.json", settings(), known=masks, number=2)
    assert same == first
    other = settings()
    other["alerting"]["email_notifications"]["password"] = "another"
    last, _ = shown(tmp_path / "c.json", other, known=masks, number=3)
    assert last == first.replace('"password": "(secret as of configuration 1)"', '"password": "(secret as of configuration 3)"')


def test_a_secret_that_stands_anywhere_else_too_is_hidden_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HM_TOKEN", "from-outside-1")
    text, _ = shown(tmp_path / "c.json", settings(database_path="from-outside-1.db"), known={}, number=1)
    assert "from-outside-1" not in text
