"""Does every mistake in a condition get one clear message with its place?"""

from __future__ import annotations

import pytest

from healthmon.errors import EXIT_USAGE
from healthmon.rules.language import examined, understand
from healthmon.rules.problems import ConditionError


def told(condition: str, **known: list[str]) -> list[str]:
    with pytest.raises(ConditionError) as raised:
        examined(condition, known=known)
    assert raised.value.exit_code == EXIT_USAGE
    return [str(problem).removeprefix("column ") for problem in raised.value.problems]


SYNTAX = [
    ("", "1: the condition is empty"),
    ("(", "2: the condition ends where a value should stand"),
    ("critical and", "13: the condition ends where a value should stand"),
    ("and critical", "1: expected a value, not 'and'"),
    ("critical flapping", "10: expected an operator before 'flapping': join two comparisons with and, or"),
    ("(critical", "1: this ( is never closed"),
    ("(critical flapping)", "11: expected an operator before 'flapping'"),
    ("critical)", "9: no ( was opened for this )"),
    ("1 < response_time < 3", "19: a comparison has two sides only: write 1 < response_time and response_time < 3"),
    ("status == previous_status == 'x'", "27: a comparison has two sides only: write status == previous_status and previous_status == 'x'"),
    ("1 < response_time < (3)", "19: a comparison has two sides only: write 1 < response_time and response_time < …"),
    ("1 < response_time" + " + 1" * 30 + " < 3", "139: a comparison has two sides only: write a < b and b < c"),
    ("critical == not flapping", "13: not binds less than this: put it and what it negates in brackets"),
    ("avg(response_time) > 1", "1: there are no functions: take the ( after 'avg' away"),
    ("critical(1)", "1: there are no functions: take the ( after 'critical' away"),
    ("status.x == 1", "7: '.' does not belong in a condition: a name has no parts"),
    ("status[0] == 1", "7: '[' does not belong in a condition: there is no indexing"),
    ("status is 'healthy'", "8: expected an operator before 'is': write =="),
    ("status IN ('healthy')", "8: expected an operator before 'IN': compare with each"),
    ("status contains 'heal'", "8: expected an operator before 'contains': texts can only be compared as a whole"),
    ("status = 'healthy'", "8: '=' does not belong in a condition: write == to compare"),
    ("status === 'healthy'", "8: '===' does not belong in a condition: write =="),
    ("status <> 'healthy'", "8: '<>' does not belong in a condition: write !="),
    ("response_time => 3", "15: '=>' does not belong in a condition: write >="),
    ("response_time ≥ 3", "15: '≥' does not belong in a condition: write >="),
    ("critical && flapping", "10: '&&' does not belong in a condition: write and"),
    ("critical || flapping", "10: '||' does not belong in a condition: write or"),
    ("!critical", "1: '!' does not belong in a condition: write not"),
    ("response_time ** 2 > 3", "15: '**' does not belong in a condition: there are no powers"),
    ("uptime_percentage < 95%", "23: '%' does not belong in a condition: write a percentage as its number: 95"),
    ("status == ‘healthy’", "11: '‘' does not belong in a condition: texts stand in plain quotes"),  # noqa: RUF001  what is tested
    ("status == 'healthy", "11: this text is never closed: its second ' is missing"),
    ("status == 'a\0'", "13: U+0000 inside a text"),
    ("status == 'a\n'", "13: U+000A inside a text"),
    ("critical\0", "9: U+0000 does not belong in a condition"),
    ("critical \u202e", "10: U+202E does not belong in a condition"),
    ("critical \U0001f525", "10: '\U0001f525' does not belong in a condition"),
    ("response_time > 5s", "17: '5s' is not a number: write it with digits alone, without a unit (times are in seconds)"),
    ("response_time > 1_000", "17: '1_000' is not a number"),
    ("response_time > 0x10", "17: '0x10' is not a number"),
    ("response_time > 1.2.3", "17: '1.2.3' is not a number"),
    ("response_time > 1,000", "18: ',' does not belong in a condition: numbers are written as 1000 or 2.5"),
    ("response_time > ٣", "17: '٣' does not belong in a condition"),
    ("response_time > 1e999", "17: '1e999' is too large for a number"),
    ("response_time > " + "9" * 400, "17: '9999999999999999999999999999999999999999…' is too large for a number"),
    ("critical or " + "x" * 512, "513: longer than 512 characters: split it into two rules"),
]


@pytest.mark.parametrize(("condition", "expected"), SYNTAX)
def test_what_is_no_condition_is_told_where_it_breaks(condition: str, expected: str) -> None:
    (message,) = told(condition)
    assert message.startswith(expected)


@pytest.mark.parametrize("opening", ["(", "not ", "-", "(not ", "(-", "not (", "- ( - "])
def test_depth_is_bounded(opening: str) -> None:
    (message,) = told(opening * (512 // len(opening)))
    assert "nested more than 20 deep" in message
    deepest = "not (" * 10 + "critical" + ")" * 10
    assert understand(deepest)
    assert "101: nested more than 20 deep" in told("not  " * 20 + "not critical")[0]


MEANING = [
    ("status == 5", "11: status is text, and 5 is a number: they cannot be compared; status is one of 'healthy', 'unhealthy', 'unknown'"),
    ("critical > 3", "12: critical is true or false, and 3 is a number: they cannot be compared"),
    ("critical == 'true'", "13: critical is true or false, and 'true' is text: they cannot be compared; write true without quotes"),
    ("'3' < response_time", "1: '3' is text, and response_time is a number: they cannot be compared"),
    ("response_time == status", "18: response_time is a number, and status is text: they cannot be compared"),
    ("not 5", "5: what stands after not must be true or false, and this is a number: compare it, as in response_time > 3"),
    ("not status", "5: what stands after not must be true or false, and this is text: compare it, as in status == 'unhealthy'"),
    ("critical and response_time", "14: each side of and must be true or false, and this is a number"),
    ("response_time", "1: a condition must be true or false, and this is a number"),
    ("status", "1: a condition must be true or false, and this is text"),
    ("-status > 3", "2: - needs numbers, and this is text"),
    ("1 + critical > 3", "5: + needs numbers, and this is true or false"),
    ("(1 > 2) * 3 > checks_5m", "1: * needs numbers, and this is true or false"),
    ("status < 'healthy'", "1: text can only be compared with == and !=, not with <"),
    ("critical >= flapping", "1: true or false can only be compared with == and !=, not with >="),
    ("status == 'unhelthy'", "11: 'unhelthy' is no value of status; did you mean 'unhealthy'?"),
    ("'UNHEALTHY' != status", "1: 'UNHEALTHY' is no value of status; did you mean 'unhealthy'?"),
    ("container_health == 'ill'", "21: 'ill' is no value of container_health; it is one of 'none', 'unknown', 'starting', 'healthy', 'unhealthy'"),
    ("status == unhealthy", "11: texts stand in quotes: 'unhealthy'"),
    ("running != container_state", "1: texts stand in quotes: 'running'"),
    ("reason == status", "11: texts stand in quotes: 'status'"),
    ("respnse_time > 3", "1: unknown name 'respnse_time'; did you mean 'response_time'?"),
    ("Critical", "1: unknown name 'Critical'; did you mean 'critical'?"),
    ("uptime < 99", "1: unknown name 'uptime'; there are uptime_percentage, uptime_coverage"),
    ("zz or zz", "1: unknown name 'zz'; there are status, previous_status,"),
    ("response_time / 0 > 1", "17: division by zero"),
    ("response_time / -0.0 > 1", "17: division by zero"),
    ("response_time / (3 - 6 / 2) > 1", "17: division by zero"),
    ("response_time > 1e308 * 10", "17: this is too large for a number"),
    ("response_time > threshold", "17: this rule has no threshold: give it one, or write the number here"),
    ("failure_ratio_1h > 50", "20: failure_ratio_1h is a share from 0 to 1, never 50: half of the checks are 0.5"),
    ("1 < 2", "1: the condition is always the same"),
    ("true", "1: the condition is always the same"),
    ("service == 'doc_stor'", "12: 'doc_stor' is no value of service; did you mean 'doc_store'?"),
    ("group == 'x'", "10: 'x' is no value of group; it is one of 'core'"),
    ("service == doc_store", "12: texts stand in quotes: 'doc_store'"),
]


@pytest.mark.parametrize(("condition", "expected"), MEANING)
def test_what_has_no_meaning_is_told_once_with_its_place(condition: str, expected: str) -> None:
    (message,) = told(condition, service=["doc_store"], group=["core"])
    assert message.startswith(expected)


def test_threshold_may_be_zero_but_not_a_divisor() -> None:
    with pytest.raises(ConditionError, match="column 17: division by zero"):
        understand("response_time / threshold > 1", threshold=0)
    assert understand("response_time > threshold", threshold=0)


def test_all_that_is_wrong_is_told_at_once_from_left_to_right() -> None:
    assert told("staus == 'x' and response_time / 0 > 'a' or not 5 or status == 'ok' or critical > 3") == [
        "1: unknown name 'staus'; did you mean 'status'?",
        "34: division by zero: divide by something else",
        "38: this is a number, and 'a' is text: they cannot be compared",
        "49: what stands after not must be true or false, and this is a number: compare it, as in response_time > 3",
        "64: 'ok' is no value of status; it is one of 'healthy', 'unhealthy', 'unknown'",
        "83: critical is true or false, and 3 is a number: they cannot be compared",
    ]


def test_flood_of_problems_is_cut() -> None:
    assert len(told(" or ".join(f"x{number}" for number in range(60)))) == 10
