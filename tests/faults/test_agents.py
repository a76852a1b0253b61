"""What is asked of an agent must not be able to pass for want of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from healthmon.paths import Paths
from healthmon.store.opening import create_or_open
from tests.faults.agents import Agent

if TYPE_CHECKING:
    from pathlib import Path


def an_agent_that_does_not_run(directory: Path) -> Agent:
    host = Agent.__new__(Agent)
    host.paths = Paths(data_dir=directory, database=directory / "health_monitoring.db")
    return host


def test_a_database_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert an_agent_that_does_not_run(tmp_path).rows("SELECT 1 FROM checks") == []


@pytest.mark.parametrize("wrong", ["SELECT colour FROM checks", "SELECT FROM checks", "SELECT julian(1)"])
def test_a_wrong_query_is_told_and_not_taken_for_no_rows(tmp_path: Path, wrong: str) -> None:
    host = an_agent_that_does_not_run(tmp_path)
    create_or_open(host.paths.database).close()
    with pytest.raises(AssertionError, match="asks the database wrongly"):
        host.rows(wrong)
