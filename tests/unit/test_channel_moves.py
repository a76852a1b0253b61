"""Whose queue is whose after a list of addresses was edited."""

from __future__ import annotations

import pytest

from healthmon.notify.moves import corrected, moves

CASES: list[tuple[str, dict[str, str], dict[str, str], dict[str, str | None], set[str]]] = [
    ("nothing changed", {"email": "ann"}, {"email": "ann"}, {}, set()),
    ("one is added", {"email": "ann"}, {"email": "ann", "email-2": "ben"}, {}, set()),
    ("one is added before it", {"email": "ann"}, {"email": "ben", "email-2": "ann"}, {"email": "email-2"}, {"email"}),
    ("the last is taken out", {"email": "ann", "email-2": "ben"}, {"email": "ann"}, {}, set()),
    ("the first is taken out", {"email": "ann", "email-2": "ben"}, {"email": "ben"}, {"email": None, "email-2": "email"}, set()),
    ("two change places", {"email": "ann", "email-2": "ben"}, {"email": "ben", "email-2": "ann"}, {"email": "email-2", "email-2": "email"}, set()),
    ("one is corrected", {"email": "amn", "email-2": "ben"}, {"email": "ann", "email-2": "ben"}, {}, {"email"}),
    ("one is written twice", {"email": "ann", "email-2": "ann"}, {"email": "ann"}, {"email-2": "email"}, set()),
    ("all are taken out", {"email": "ann"}, {}, {}, set()),
    ("nothing was known", {}, {"email": "ann"}, {}, set()),
]


@pytest.mark.parametrize(("case", "before", "now", "moved", "new"), CASES, ids=[case[0] for case in CASES])
def test_moves(case: str, before: dict[str, str], now: dict[str, str], moved: dict[str, str | None], new: set[str]) -> None:
    assert moves(before, now) == moved, case
    assert corrected(before, now) == new
