"""Do the fast reading of a condition, the plain one and the meaning of its words always agree? And is any text harmless?

Conditions are drawn from the grammar itself, each with a function that says what it must be: `and` is the least of its
sides and `or` the greatest, where false is 0, unknown 1/2 and true 1.
"""

from __future__ import annotations

import math
import operator
import time
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthmon.rules.evaluation import truth as plain_truth
from healthmon.rules.explanation import MAX_CHARS, explain
from healthmon.rules.language import understand
from healthmon.rules.problems import ConditionError
from healthmon.rules.tokens import MAX_CHARS as MAX_CONDITION_CHARS
from healthmon.rules.variables import VARIABLES, Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

Meaning: TypeAlias = "Callable[[Facts], Any]"
Drawn: TypeAlias = tuple[str, Meaning]

NUMBERS = ["response_time", "expected", "checks_5m", "exit_code", "cpu_usage", "restart_count"]
SWITCHES = ["critical", "flapping", "maintenance", "healthy", "unhealthy", "was_unhealthy"]
LITERALS = ["0", "1", "2.5", ".5", "3.", "1e3", "95.0", "1e-320", "1e308"]
COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
RANK = {False: 0.0, None: 0.5, True: 1.0}
UNRANK = {rank: value for value, rank in RANK.items()}


def fact(name: str) -> Meaning:
    variable = VARIABLES[name]
    if variable.equals is None:
        return lambda facts: getattr(facts, variable.fact)
    return lambda facts: None if getattr(facts, variable.fact) is None else getattr(facts, variable.fact) == variable.equals


def known(function: Callable[..., Any], *meanings: Meaning) -> Meaning:
    """Return what is unknown when one of its parts is."""

    def meaning(facts: Facts) -> Any:
        values = [part(facts) for part in meanings]
        return None if None in [value if value is None else 0 for value in values] else function(*values)

    return meaning


def calculated(sign: str, left: float, right: float) -> float | None:
    left, right = float(left), float(right)
    if sign == "/" and right == 0:
        return None
    result = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign](left, right)
    return result if math.isfinite(result) else None


@st.composite
def chained(draw: DrawFn, part: SearchStrategy[Drawn], signs: list[str]) -> Drawn:
    """Draw operands joined by signs; they are worked out from left to right."""
    text, meaning = draw(part)
    for sign in draw(st.lists(st.sampled_from(signs), max_size=2)):
        right_text, right = draw(part)
        text = f"{text} {sign} {right_text}"
        meaning = known(lambda a, b, sign=sign: calculated(sign, a, b), meaning, right)
    return text, meaning


@st.composite
def joined(draw: DrawFn, part: SearchStrategy[Drawn], word: str) -> Drawn:
    drawn = draw(st.lists(part, min_size=1, max_size=3))
    pick = min if word.lower() == "and" else max
    return f" {word} ".join(text for text, _ in drawn), lambda facts: UNRANK[pick(RANK[meaning(facts)] for _, meaning in drawn)]


def bracketed(inner: SearchStrategy[Drawn]) -> SearchStrategy[Drawn]:
    return inner.map(lambda drawn: (f"({drawn[0]})", drawn[1]))


@cache
def numbers(depth: int) -> SearchStrategy[Drawn]:
    leaf = st.sampled_from(NUMBERS).map(lambda name: (name, fact(name)))
    literal = st.sampled_from(LITERALS).map(lambda text: (text, lambda _: float(text)))
    atom = st.one_of(leaf, leaf, literal, *([bracketed(numbers(depth - 1))] if depth else []))
    signed = st.one_of(atom, atom, atom.map(lambda drawn: (f"-{drawn[0]}", known(lambda value: -float(value), drawn[1]))))
    return chained(chained(signed, ["*", "/"]), ["+", "-"])


def compared(side: SearchStrategy[Drawn], signs: list[str]) -> SearchStrategy[Drawn]:
    def build(left: Drawn, sign: str, right: Drawn) -> Drawn:
        return f"{left[0]} {sign} {right[0]}", known(COMPARE[sign], left[1], right[1])

    return st.builds(build, side, st.sampled_from(signs), side)


@cache
def switches(depth: int) -> SearchStrategy[Drawn]:
    name = st.sampled_from(SWITCHES).map(lambda name: (name, fact(name)))
    word = st.sampled_from(["true", "FALSE"]).map(lambda text: (text, lambda _: text == "true"))
    return st.one_of(name, name, word, *([bracketed(conditions(depth - 1))] if depth else []))


TEXTS: SearchStrategy[Drawn] = st.one_of(
    st.sampled_from(["status", "previous_status"]).map(lambda name: (name, fact(name))),
    st.sampled_from(["healthy", "unhealthy"]).map(lambda value: (f"'{value}'", lambda _: value)),
)


@cache
def conditions(depth: int) -> SearchStrategy[Drawn]:
    switch = switches(depth)
    comparison = st.one_of(compared(numbers(depth), list(COMPARE)), compared(TEXTS, ["==", "!="]), compared(switch, ["==", "!="]), switch)
    negated = comparison.map(lambda drawn: (f"not {drawn[0]}", known(operator.not_, drawn[1])))
    return joined(joined(st.one_of(comparison, comparison, negated), "AND"), "or")


VALUES = st.one_of(
    st.none(),
    st.sampled_from([0, 1, 2, -1, 2.5, 0.0, -0.0, 1e308, -1e308, 5e-324, 2**60, 10**300, 10**400, math.nan, math.inf]),
    st.floats(-100, 100),
)
STATUS = st.sampled_from([None, "healthy", "unhealthy", "unknown"])
SWITCH = st.sampled_from([None, True, False])
FACTS = st.builds(
    Facts,
    status=STATUS,
    previous_status=STATUS,
    critical=SWITCH,
    flapping=SWITCH,
    maintenance=SWITCH,
    **dict.fromkeys(["response_time", "expected_response_time", "checks_5m", "exit_code", "cpu_usage", "restart_count"], VALUES),
)
ALLOWED = ("division by zero", "too large for a number", "always the same", "longer than")


@settings(max_examples=300, deadline=2_000)
@given(drawn=st.one_of(conditions(1), conditions(2)), cases=st.lists(FACTS, min_size=3, max_size=6))
def test_fast_and_plain_reading_agree_with_the_meaning(drawn: Drawn, cases: list[Facts]) -> None:
    text, meaning = drawn
    try:
        condition = understand(text)
    except ConditionError as error:
        assert all(any(allowed in problem.message for allowed in ALLOWED) for problem in error.problems), text  # noqa: PT017  all of them
        return
    for facts in cases:
        expected = meaning(facts)
        assert condition.truth(facts) is expected, (text, facts)
        assert plain_truth(condition.tree, facts) is expected, (text, facts)
        why = explain(condition, facts)
        assert why.truth is expected
        assert {name for name, _ in why.operands} <= set(condition.names)
        assert why.text.isprintable()
        assert len(why.text) <= MAX_CHARS


def judged(text: str) -> None:
    """Read a text that may be anything: it is a condition that can be asked, or it is told what is wrong, at once."""
    started = time.perf_counter()
    try:
        condition = understand(text, threshold=3)
    except ConditionError as error:
        assert error.problems  # noqa: PT017  every property of it counts
        for problem in error.problems:
            assert 1 <= problem.column <= len(text) + 1
            assert problem.message.isprintable()
            assert len(problem.message) < 1_000
    else:
        assert len(text) <= MAX_CONDITION_CHARS
        for facts in (Facts(), Facts(status="healthy", critical=True, response_time=1, service="a")):
            assert condition.truth(facts) in (True, False, None)
            assert explain(condition, facts).text.isprintable()
    assert time.perf_counter() - started < 1


WORDS = [*VARIABLES, "and", "or", "NOT", "true", "False", "(", ")", "==", "!=", "<", ">=", "+", "-", "*", "/", "'a'", "'healthy'", "3", "0", "1e9", "1e999"]
WORDS += ["=", "&&", "[", ".", ",", "$", "{", "é", "\0", "\n", "'", '"', "\ud800", "\u202e", "x", "__class__", "lambda", "import", "None"]


@settings(max_examples=600, deadline=2_000)
@given(
    text=st.one_of(
        st.text(max_size=600),
        st.text(alphabet="()-'\"<>=!.eE019 \t\0andortnx", max_size=600),
        st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join),
        st.lists(st.sampled_from(WORDS), max_size=80).map("".join),
    ),
)
def test_any_text_is_read_or_refused_at_once(text: str) -> None:
    judged(text)


HOSTILE = [
    "((((((((((" * 51,
    "not " * 128,
    "-" * 512,
    "(-" * 256,
    "1+" * 255 + "1",
    "1/" * 255 + "1",
    "response_time > " + "1+" * 247 + "1",
    "response_time > " + "restart_count*" * 34 + "1",
    " or ".join(["critical"] * 42),
    "(" * 20 + "critical" + " == critical and critical)" * 18 + "))",
    "(" * 19 + "critical" + " and critical) == critical" * 17 + "))",
    "'" * 511,
    "'" + "a" * 510 + "'",
    "service == '" + "\u0301" * 480 + "'",
    "9" * 512,
    "1e" + "9" * 510,
    "1." * 256,
    "x" * 512,
    "x " * 256,
    " or ".join(f"response_tim{number}" for number in range(30)),
    "=" * 512,
    "\0" * 512,
    "\U0001f525" * 512,
    "a" * 1_000_000,
    "(" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_or_refused_at_once(text: str) -> None:
    judged(text)


def test_code_is_never_much_longer_than_the_condition() -> None:
    """Sides that stand in each other are written once: a copy of each would double the code twenty times."""
    text = "(" * 18 + "critical" + " == critical and critical)" * 18
    condition = understand(text)
    assert len(condition.truth.__code__.co_code) < 20_000
    assert condition.truth(Facts(critical=True)) is True


def test_function_can_reach_nothing() -> None:
    function = understand("service == '__import__' or response_time > 3").truth
    assert function.__globals__ == {"__builtins__": {}}
    assert function.__code__.co_names == ("service", "response_time")
