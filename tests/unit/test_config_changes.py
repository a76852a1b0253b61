"""Is it said the way a person would in what two configurations differ?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from healthmon.config_changes import Changes, compare

if TYPE_CHECKING:
    from healthmon.config_source.node import Plain

A: dict[str, Plain] = {"name": "a", "url": "http://a/"}
B: dict[str, Plain] = {"name": "b", "url": "http://b/"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"services": (A,)}, {"services": (A,)}, []),
        ({"services": (A, B)}, {"services": (B, A)}, []),
        ({"services": (A,)}, {"services": (A, B)}, ["added: b"]),
        ({"services": (A, B)}, {"services": (A,)}, ["removed: b"]),
        ({"services": (A, B)}, {"services": (A, {**B, "enabled": False})}, ["removed: b"]),
        ({"services": (A,)}, {"services": (B,)}, ["added: b", "removed: a"]),
        ({"services": (A,)}, {"services": ({**A, "critical": True, "url": "http://x/"},)}, ["changed: a (url, critical)"]),
        ({"services": (A,), "log_level": "INFO"}, {"services": (A,), "timeout_seconds": 3}, ["also changed: log_level, timeout_seconds"]),
    ],
)
def test_what_differs_is_named(before: Plain, after: Plain, said: list[str]) -> None:
    assert compare(before, after).lines() == said


def test_a_long_list_is_cut() -> None:
    assert Changes(added=tuple(map(str, range(12)))).lines() == ["added: 0, 1, 2, 3, 4, 5, 6, 7 and 4 more"]
