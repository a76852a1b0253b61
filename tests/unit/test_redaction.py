"""What a `${…}` stood for never reaches a message, a record or an answer."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from healthmon import config, log, redaction
from healthmon.log import Log
from healthmon.probes import make
from healthmon.redaction import hide, redact
from tests.hostile import Server, answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANARY = "HMCANARY-s3cr3t-" + "x" * 100


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    before = set(redaction._hidden)
    yield
    redaction._hidden.clear()
    redaction._hidden.update(before)


def test_a_secret_is_masked_wherever_it_stands() -> None:
    hide("hunter2")
    hide("hunter2-long")
    assert redact("a hunter2-long b hunter2") == "a ••• b •••"
    hide("")
    hide("abc")
    assert redact("abc") == "abc"


@pytest.mark.parametrize(
    "expect",
    [
        {"body": "token ${env:HM_CANARY}"},
        {"headers": {"X-Token": "${env:HM_CANARY}"}},
        {"json_path": {"token": "${env:HM_CANARY}"}},
    ],
    ids=["body", "header", "json"],
)
def test_an_expected_secret_is_not_told_when_it_is_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect: dict[str, object],
) -> None:
    monkeypatch.setenv("HM_CANARY", CANARY)
    with Server(answers(headers=[f"X-Token: no-{CANARY}"], body=b'{"token": "no"}')) as server:
        path = tmp_path / "config.json"
        path.write_text(config_text(f"{server.url}?t=${{env:HM_CANARY}}", expect))
        service = config.load(path).enabled_services()[0]
        outcome = make(service).ask()
    assert outcome.error_message
    assert "HMCANARY" not in outcome.error_message
    assert "HMCANARY" not in service.shown_url
    log.set_up_file(tmp_path / "x.log", level="INFO")
    Log("t").warning("e", error=f"raw {CANARY}")
    for handler in logging.getLogger("healthmon").handlers:
        handler.close()
    assert "HMCANARY" not in (tmp_path / "x.log").read_text()


def config_text(url: str, expect: dict[str, object]) -> str:
    return json.dumps({"services": [{"name": "s", "url": url, "expect": expect}]})
