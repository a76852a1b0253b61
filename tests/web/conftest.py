"""The site that most tests of the pages and the API ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(directory=tmp_path)
    made.web.step()
    yield made
    made.close()
