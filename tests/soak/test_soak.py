"""The short form of `tools/soak`: processes that work at a hundred times the usual rate stay as large as they are, and a leak shows."""

from __future__ import annotations

import random

import pytest

from tests.soak.__main__ import Leaking
from tests.soak.judge import growth
from tests.soak.soaking import soaking

WARM_UP_S, SECONDS = 20.0, 140.0
FLOOR_KIB = 1_024.0  # what is filled in the first minutes is no leak; the long form sees a quarter of it in ten
PAGES_KIB = 6_144.0  # its caches are full after six minutes
LEAK_BYTES = 2_048  # a look


@pytest.mark.timeout(300)
def test_who_leaks_grows_and_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run shows both: the leak is planted in the probers alone."""
    monkeypatch.setenv("HEALTHMON_LEAK_BYTES", str(LEAK_BYTES))
    with soaking(times=100, kind=Leaking) as soak:
        soak.run(seconds=SECONDS)
        growths = soak.growths(warm_up_s=WARM_UP_S, floor_kib=FLOOR_KIB, web=PAGES_KIB)
    assert {one.program for one in growths if one.is_leak} == {"probe-g0", "probe-g1", "probe-g2", "probe-g3"}, "\n".join(map(str, growths))


def points(kib_a_second: float, *, noise_kib: float = 0.0, saw_kib: float = 0.0) -> list[tuple[float, int]]:
    chance = random.Random(4711)
    return [(float(at), int(1024 * (30_000 + kib_a_second * at + chance.uniform(-1, 1) * noise_kib + at % 60 * saw_kib / 60))) for at in range(720)]


CASES = {
    "level": (points(0), False),
    "noise": (points(0, noise_kib=2_000), False),
    "a cache that is filled and emptied": (points(0, noise_kib=100, saw_kib=4_000), False),
    "shrinks": (points(-5), False),
    "some pages": (points(0.3), False),
    "a leak": (points(1), True),
    "a leak below the noise of one measurement": (points(3, noise_kib=500), True),
}


@pytest.mark.parametrize(("measured", "leaks"), CASES.values(), ids=CASES)
def test_a_line_is_told_from_noise(measured: list[tuple[float, int]], leaks: bool) -> None:  # noqa: FBT001  a table
    assert growth("evaluator", measured, warm_up_s=120).is_leak is leaks


def test_what_is_filled_once_is_no_leak_also_after_the_warm_up() -> None:
    filled = [(at, size + int(min(at, 200) * 200_000)) for at, size in points(0)]
    assert not growth("web", filled, warm_up_s=0).is_leak


def test_what_is_done_once_is_no_leak_whenever_it_is_done() -> None:
    for when in range(120, 720, 20):
        once = [(at, size + 8_000_000 * (at > when)) for at, size in points(0, noise_kib=50)]
        assert not growth("keeper", once, warm_up_s=120).is_leak, when


def test_too_little_is_no_verdict() -> None:
    with pytest.raises(AssertionError, match="measured 23 times after the warm-up"):
        growth("web", points(0)[:23], warm_up_s=0)
