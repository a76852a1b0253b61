"""docs/messages.md says what a webhook gets, and no more than that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from healthmon.model.notification import NotificationKind
from healthmon.notify import payloads
from healthmon.notify.envelope import enclose
from healthmon.notify.settings import WebhookSettings
from healthmon.notify.webhook_sender import headers
from tests.builders import NOW, a_notification

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")
TABLES = [re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for table in PAGE.split("\n\n") if table.startswith("|")]


def names(table: int) -> list[str]:
    return [name for cell in TABLES[table] for name in re.findall(r"`(\w+)`", cell)]


def test_every_key_of_the_document_is_on_the_page_and_nothing_else() -> None:
    found = payloads.ours(enclose(a_notification(), at=NOW, possible_repeat=False))
    assert names(0) == list(found)
    assert sorted(names(2)) == sorted(found["services"][0])


def test_every_event_is_on_the_page() -> None:
    assert sorted(names(1)) == sorted(kind.value for kind in NotificationKind)


def test_the_check_of_the_signature_on_the_page_takes_ours_and_no_other() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(code.replace("time.time()", str(NOW.timestamp())), namespace)
    settings = WebhookSettings(hmac_secret=SecretStr("s3cret"))
    sent = headers(enclose(a_notification(), at=NOW, possible_repeat=False), settings, b"{}")
    assert namespace["is_genuine"](sent, b"{}", "s3cret")
    assert not namespace["is_genuine"](sent, b"{} ", "s3cret")
    assert not namespace["is_genuine"](sent, b"{}", "another")
