"""Whatever a person writes into a configuration, or as a condition, it is read or told what is wrong, and never meets a bug."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon import config
from healthmon.errors import ConfigError
from healthmon.rules.explanation import explain
from healthmon.rules.language import understand
from healthmon.rules.problems import ConditionError
from healthmon.rules.tokens import MAX_CHARS
from healthmon.rules.variables import VARIABLES, Facts
from tests.fuzz.effort import corpus, effort

SHIPPED = Path(__file__).parents[2] / "config" / "health_monitoring_config.json"
CONDITIONS, CONFIGURATIONS = corpus("conditions"), [*corpus("config"), SHIPPED]
FACTS = (Facts(), Facts(status="healthy", critical=True, response_time=1, service="a"))
WORDS = [*VARIABLES, " and ", " or ", "not ", "true", "(", ")", "==", "<", "+", "-", "*", "/", "'healthy'", "1e308", "0", "=", ".", "[", "$", "\0", "\n", '"', "\ud800", "\u202e"]
JUNK = ['"', "{", "}", "[", "]", ",", ":", "null", "-1", "1e9", "true", "\\", "/*", "${env:X}", "é", "\0", "\n", "- ", "&a ", "*a", "!!", "? ", "<<: ", "services", "\ud800"]


def read_condition(text: str) -> None:
    try:
        condition = understand(text, threshold=3)
    except ConditionError as error:
        assert error.problems  # noqa: PT017  either way is right
        assert all(1 <= one.column <= len(text) + 1 and one.message.isprintable() for one in error.problems)  # noqa: PT017  the same
        return
    assert len(text) <= MAX_CHARS
    for facts in FACTS:
        assert condition.truth(facts) in (True, False, None)
        assert explain(condition, facts).text.isprintable()


def read_configuration(path: Path) -> None:
    try:
        config.load(path)
    except ConfigError as error:
        assert error.problems  # noqa: PT017  either way is right
        assert str(error).encode()  # noqa: PT017  the same


@pytest.mark.parametrize("path", CONDITIONS, ids=lambda path: path.name)
def test_the_corpus_of_conditions_is_harmless(path: Path) -> None:
    read_condition(path.read_text())


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_the_corpus_of_configurations_is_harmless(path: Path) -> None:
    read_configuration(path)


@st.composite
def mutated(draw: st.DrawFn, paths: list[Path], pieces: list[str]) -> tuple[str, str]:
    """A text of a corpus with some of it cut out, doubled or replaced, and how its file's name ends."""
    path = draw(st.sampled_from(paths))
    text = path.read_text()
    for _ in range(draw(st.integers(1, 4))):
        at, cut = draw(st.integers(0, len(text))), draw(st.integers(0, 20))
        new = draw(st.one_of(st.sampled_from(pieces), st.text(max_size=6), st.just(text[at : at + cut] * 2)))
        text = text[:at] + new + text[at + cut :]
    return text, path.suffix


@effort(300)
@given(drawn=mutated(CONDITIONS, WORDS))
def test_no_condition_meets_a_bug(drawn: tuple[str, str]) -> None:
    read_condition(drawn[0])


@effort(150)
@given(drawn=mutated(CONFIGURATIONS, JUNK))
def test_no_configuration_meets_a_bug(tmp_path: Path, drawn: tuple[str, str]) -> None:
    text, suffix = drawn
    path = tmp_path / f"c{suffix}"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    read_configuration(path)
