"""The level of records, set for a while by a person."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon import clock, log_level
from healthmon.log import Log
from healthmon.log_level import Follower, Override
from tests.builders import ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("healthmon")
    before = found.level
    found.setLevel("INFO")
    yield found
    found.setLevel(before)


def test_a_process_follows_what_a_person_set_until_its_time_is_over(
    tmp_path: Path,
    logger: logging.Logger,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_level, "LOOK_EVERY_S", 0.0)
    path = tmp_path / "log-level"
    follower = Follower(path, configured="INFO", records=Log("evaluator"))
    follower.follow()
    assert caplog.messages == []
    log_level.write(path, Override(level="DEBUG", until=clock.now() + timedelta(seconds=60)))
    for _ in range(3):
        follower.follow()
    assert logger.level == logging.DEBUG
    log_level.write(path, Override(level="DEBUG", until=ago(1)))
    follower.follow()
    assert logger.level == logging.INFO
    assert [message.split()[1:3] for message in caplog.messages] == [["log_level", "level=DEBUG"], ["log_level", "level=INFO"]]


@pytest.mark.parametrize("text", ["", "DEBUG", "DEBUG soon", "LOUD 2999-01-01T00:00:00Z", "\x00" * 100, "DEBUG " * 50])
def test_what_says_nothing_is_as_if_it_were_not_there(tmp_path: Path, text: str) -> None:
    (tmp_path / "log-level").write_text(text)
    assert log_level.read(tmp_path / "log-level", clock.now()) is None
