"""What tests with a real Docker Engine begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers import Docker, Observer, docker_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    """The engine; whatever a test makes there is gone after the last of its file."""
    yield from docker_session()


@pytest.fixture
def observer(docker: Docker, tmp_path: Path) -> Iterator[Observer]:
    """A second pair of eyes on the engine's events."""
    watching = Observer(docker, tmp_path)
    yield watching
    watching.close()
