"""When a service flaps: Icinga's weights and limits."""

from __future__ import annotations

import pytest

from healthmon.status.flapping import LOOKS, STEADY, WEIGHTS, Flapping, look, replay


def looks(text: str) -> Flapping:
    """Replay `+` for a good look and `-` for a bad one."""
    return replay(sign == "+" for sign in text)


CASES: list[tuple[str, str, int, bool]] = [
    ("never looked at", "", 0, False),
    ("always well", "+" * 30, 0, False),
    ("the first look is no change", "-", 0, False),
    ("one outage", "+" * 15 + "-----" + "+" * 5, 2, False),
    ("two outages", "+" * 10 + "--++++--++", 4, False),
    ("five changes, the newest possible", "+" * 16 + "-+-+-", 5, False),
    ("six changes", "+" * 16 + "-+-+-+", 6, True),
    ("every look another", "+-" * 12, 20, True),
    ("six changes spread over the window: exactly 30 %", "++----+++----+++----+", 6, False),
]


@pytest.mark.parametrize(("case", "seen", "changes", "flaps"), CASES, ids=[case[0] for case in CASES])
def test_what_flaps(case: str, seen: str, changes: int, flaps: bool) -> None:  # noqa: FBT001  a row of a table
    found = looks(seen)
    assert (found.changes, found.is_flapping) == (changes, flaps), case


def test_weights_and_limits_are_icingas() -> None:
    assert (WEIGHTS[0], round(WEIGHTS[-1], 2), len(WEIGHTS)) == (0.8, 1.18, 20)
    assert [round(looks("+" * 21 + ("-+" * 4)[:changes]).percent, 1) for changes in (5, 6, 7)] == [28.5, 33.9, 39.2]


def test_it_ends_later_than_it_begins() -> None:
    """Six changes make 33.9 %, and their share falls as they grow old: between 25 and 30 it goes on."""
    state, seen = looks("+" * 16 + "-+-+-+"), []
    while state.is_flapping:
        seen.append(state.percent)
        state = look(state, healthy=True)
    assert 25 < seen[-1] < 30
    assert state.percent <= 25
    assert looks("+" * 21 + "-+-+-").percent > 25  # as much does not begin it


def test_exactly_a_limit_is_not_above_it() -> None:
    assert not look(Flapping(last=True, changed=(True,) * 5 + (False,) * 15, is_flapping=True), healthy=True).is_flapping
    assert STEADY.percent == 0


def test_a_full_window_of_looks_forgets_what_was_before() -> None:
    assert replay([True, False] * 20 + [True] * LOOKS).changes == 0
