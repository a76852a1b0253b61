"""How fast history may be deleted, whatever the wall clock says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthmon.history.retention import cutoff, due
from tests.builders import NOW

MONTH = timedelta(days=30)
CASES = [
    ("nothing is old enough", timedelta(days=29), 600, timedelta(days=30)),
    ("what has come of age since the last time goes", timedelta(days=30, minutes=10), 600, timedelta(days=30)),
    ("a clock ten years ahead costs minutes", timedelta(days=3_650), 600, timedelta(days=3_650) - timedelta(minutes=20)),
    ("a suspended host makes up for a day at most", timedelta(days=90), 1e9, timedelta(days=88)),
    ("no time lived, nothing deleted", timedelta(days=90), 0, timedelta(days=90)),
]


@pytest.mark.parametrize(("case", "reached", "lived_s", "deleted_until"), CASES, ids=[case[0] for case in CASES])
def test_cutoff(case: str, reached: timedelta, lived_s: float, deleted_until: timedelta) -> None:
    """Ages before now."""
    assert NOW - cutoff(NOW - reached, now=NOW, kept=MONTH, lived_s=lived_s) == deleted_until, case


def test_what_is_kept_for_longer_than_there_is_time_is_kept() -> None:
    assert due(NOW, timedelta(days=10**6)).year == 1
