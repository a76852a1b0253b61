"""How what a plugin for Nagios says is understood: the cases of its guidelines, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.model.check import CheckReason
from healthmon.model.performance import Performance
from healthmon.probes import plugin
from healthmon.probes.plugin import MAX_VALUES, understand, verdict


def labels(output: str) -> list[tuple[str, float, str]]:
    return [(one.label, one.value, one.unit) for one in understand(output).performance]


@pytest.mark.parametrize(
    ("output", "text", "values"),
    [
        ("", "", []),
        ("OK - fine\n", "OK - fine", []),
        ("DISK OK | /=2643MB;5948;5958;0;5968", "DISK OK", [("/", 2643, "MB")]),
        ("OK | a=1 'b c'=2.5s 'it''s'=-3e2%", "OK", [("a", 1, ""), ("b c", 2.5, "s"), ("it's", -300, "%")]),
        ("OK | a=1\nlong text\nmore | b=2\nc=3", "OK", [("a", 1, ""), ("b", 2, ""), ("c", 3, "")]),
        ("OK | a=U b=1", "OK", [("b", 1, "")]),  # could not be measured
        ("OK | a=1 a=2", "OK", [("a", 1, "")]),
        ("OK | = =1 a= 'x a=nan b=inf c=1e999 d=.5", "OK", [("d", 0.5, "")]),
        ("OK |no data at all", "OK", []),
        ("é, ü|ö=1c", "é, ü", [("ö", 1, "c")]),
    ],
)
def test_the_first_line_is_for_people_and_the_rest_is_data(output: str, text: str, values: list[tuple[str, float, str]]) -> None:
    assert understand(output).text == text
    assert labels(output) == values


def test_thresholds_stay_as_they_are_written_and_limits_are_numbers() -> None:
    [found] = understand("x|t=30c;10:20;@~:40;-5;99.5").performance
    assert found == Performance(label="t", value=30, unit="c", warning="10:20", critical="@~:40", minimum=-5, maximum=99.5)
    [found] = understand("x|t=30;;;;").performance
    assert found == Performance(label="t", value=30)


def test_how_much_is_kept_is_bounded() -> None:
    found = understand("x|" + " ".join(f"{'l' * 200}{n}={n}" for n in range(9)) + " " + " ".join(f"a{n}=1" for n in range(1_000))).performance
    assert len(found) == MAX_VALUES
    assert max(len(one.label) for one in found) == plugin.MAX_LABEL_CHARS


@given(st.text(alphabet="|=;'\n\\ .-+eEUaé0123%", max_size=200))
def test_nothing_that_is_written_is_too_much(output: str) -> None:
    found = understand(output).performance
    assert len({one.label for one in found}) == len(found)


@pytest.mark.parametrize(
    ("code", "good", "reason"),
    [
        (0, (0,), CheckReason.OK),
        (1, (0,), CheckReason.PLUGIN),
        (1, (0, 1), CheckReason.OK),
        (2, (0, 1), CheckReason.PLUGIN),
        (0, (2,), CheckReason.PLUGIN),  # `negate` without the program
        (3, (0,), CheckReason.PLUGIN_UNKNOWN),
        (127, (0,), CheckReason.PLUGIN_UNKNOWN),
        (3, (3,), CheckReason.OK),
    ],
)
def test_an_exit_code_is_a_verdict(code: int, good: tuple[int, ...], reason: CheckReason) -> None:
    assert verdict(code, good) is reason
