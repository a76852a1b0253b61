"""What does a condition say? Its forms, how strongly they bind, and what follows from what is unknown."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from healthmon.model.check import CheckReason
from healthmon.rules.language import understand
from healthmon.rules.variables import NUMBERS, VARIABLES, Facts, Kind

ILL = Facts(
    status="unhealthy",
    previous_status="healthy",
    service="doc_store",
    group="core",
    critical=True,
    reason=CheckReason.TIMEOUT,
    response_time=5.2,
    expected_response_time=2.0,
    consecutive_failures=3,
    uptime_percentage=94.9,
    failure_ratio_5m=0.6,
    checks_5m=10,
    memory_usage=81,
)
WELL = Facts(
    status="healthy",
    previous_status="unhealthy",
    service="doc_store",
    group="core",
    critical=False,
    reason=CheckReason.OK,
    response_time=0.1,
    expected_response_time=2.0,
    consecutive_failures=0,
    uptime_percentage=100,
    failure_ratio_5m=0,
    checks_5m=10,
    memory_usage=80,
)

DOCUMENT = [
    "status == 'unhealthy'",
    "response_time > expected * 2",
    "consecutive_failures >= 3",
    "uptime_percentage < 95.0",
    "unhealthy AND critical",
    "memory_usage > 80",
    "response_time > expected_response_time * 2",
    "status == 'unhealthy' AND critical == true",
]


@pytest.mark.parametrize("condition", DOCUMENT)
def test_forms_of_the_document_mean_what_they_say(condition: str) -> None:
    truth = understand(condition).truth
    assert (truth(ILL), truth(WELL), truth(Facts())) == (True, False, None)


@pytest.mark.parametrize("condition", ["healthy AND was_unhealthy", "status == 'healthy' AND previous_status == 'unhealthy'"])
def test_recovery_is_told_from_health(condition: str) -> None:
    truth = understand(condition).truth
    assert (truth(ILL), truth(WELL)) == (False, True)
    assert truth(Facts(status="healthy", previous_status="unknown")) is False


FORMS = [
    ("not healthy", True),
    ("NOT healthy Or FALSE", True),
    ("unknown", False),
    ('reason == "timeout"', True),
    ("reason != 'timeout'", False),
    ("service == 'doc_store' and group != 'agents'", True),
    ("status == previous_status", False),
    ("critical != False", True),
    ("unhealthy == critical", True),
    ("(response_time > 3) == (checks_5m < 3)", False),
    ("3 <= consecutive_failures", True),
    ("response_time>=5.2", True),
    ("response_time > .5e1 and checks_5m < 1.E2", True),
    ("  \n( ( response_time\t> 5 ) )\r\n", True),
    ("response_time > threshold", False),
    ("-response_time < - threshold + 5 * 1", True),
    ("uptime_percentage < threshold * 10", True),
]


@pytest.mark.parametrize(("condition", "expected"), FORMS)
def test_form(condition: str, *, expected: bool) -> None:
    assert understand(condition, threshold=10).truth(ILL) is expected


BINDING = [
    ("true or flapping and false", "true or (flapping and false)"),
    ("not critical or true", "(not critical) or true"),
    ("not critical == false", "not (critical == false)"),
    ("flapping and false or true", "(flapping and false) or true"),
    ("checks_5m - 4 - 3 == 3", "((checks_5m - 4) - 3) == 3"),
    ("checks_5m / 5 / 2 == 1", "((checks_5m / 5) / 2) == 1"),
    ("checks_5m / 5 * 2 == 4", "((checks_5m / 5) * 2) == 4"),
    ("1 + checks_5m * 2 == 21", "(1 + (checks_5m * 2)) == 21"),
    ("-checks_5m + 1 == -9", "((-checks_5m) + 1) == (-9)"),
    ("2 * -checks_5m == -20", "(2 * (-checks_5m)) == -20"),
    ("checks_5m - -1 == 11", "(checks_5m - (-1)) == 11"),
    ("not not critical", "critical"),
]


@pytest.mark.parametrize(("condition", "bracketed"), BINDING)
def test_binding(condition: str, bracketed: str) -> None:
    assert understand(condition).truth(ILL) is understand(bracketed).truth(ILL) is True


KLEENE = [
    ("flapping and critical", None),
    ("critical and flapping", None),
    ("flapping and not critical", False),
    ("not critical and flapping", False),
    ("flapping or critical", True),
    ("flapping or not critical", None),
    ("not critical or flapping", None),
    ("not flapping", None),
    ("flapping == flapping", None),
    ("flapping == true", None),
    ("cpu_usage > 5", None),
    ("cpu_usage != cpu_usage", None),
    ("-cpu_usage < 5", None),
    ("cpu_usage + 1 > 5", None),
    ("cpu_usage * 0 == 0", None),
    ("response_time + cpu_usage * 2 > 0 or critical", True),
    ("container_state == 'exited'", None),
    ("container_state != 'exited'", None),
]


@pytest.mark.parametrize(("condition", "expected"), KLEENE)
def test_what_is_unknown_makes_unknown_unless_the_rest_decides(condition: str, *, expected: bool | None) -> None:
    """`flapping`, `cpu_usage` and `container_state` are unknown here, `critical` is true."""
    assert understand(condition).truth(ILL) is expected


UNCOMPUTABLE = [
    "1 / restart_count > 0",
    "1 / restart_count == 1 / restart_count",
    "exit_code / (exit_code - exit_code) > 1",
    "1 / -restart_count > 0",
    "exit_code * 1e308 * 1e308 > 1",
    "-(exit_code * 1e308 * 1e308) < 1",
    "1 / (exit_code * 1e308 * 1e308) < 1",
    "exit_code * 1e308 * 1e308 - exit_code * 1e308 * 1e308 < 1",
    "exit_code * 1e308 * 1e308 * 0 == 0",
    "exit_code / 5e-324 > 1",
]


@pytest.mark.parametrize("condition", UNCOMPUTABLE)
def test_what_cannot_be_worked_out_is_unknown(condition: str) -> None:
    assert understand(condition).truth(Facts(restart_count=0, exit_code=137)) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_number_that_is_none_counts_as_unknown(value: float) -> None:
    facts = Facts(response_time=value, cpu_usage=value)
    assert facts.response_time is None
    assert understand("response_time > 3 or cpu_usage <= 3").truth(facts) is None


def test_sides_after_a_decisive_one_are_not_asked() -> None:
    class Silent:
        status = "healthy"

    assert understand("unhealthy and cpu_usage > 3").truth(Silent()) is False  # type: ignore[arg-type]
    assert understand("healthy or cpu_usage > 3").truth(Silent()) is True  # type: ignore[arg-type]


def test_condition_names_the_facts_it_asks_for_once() -> None:
    condition = understand("response_time > expected * 2 or was_unhealthy and response_time > threshold", threshold=3)
    assert condition.names == ("response_time", "expected_response_time", "previous_status")


def test_every_name_is_documented_and_can_be_asked() -> None:
    forms = {Kind.NUMBER: "{} > 0.5", Kind.TEXT: "{} == 'unhealthy' or {} != 'x'", Kind.BOOLEAN: "{}"}
    for name, variable in VARIABLES.items():
        assert variable.meaning.endswith(".")
        if variable.fact and not variable.values:
            assert understand(forms[variable.kind].format(name, name)).names == (variable.fact,)
        for value in variable.values:
            known: dict[str, Any] = {variable.fact: value}
            assert understand(f"{name} == '{value}'").truth(Facts(**known)) is True


def test_every_fact_may_be_unknown_and_has_a_name() -> None:
    for name in Facts.__dataclass_fields__:
        assert getattr(Facts(), name) is None
        assert VARIABLES[name].fact == name
    assert {VARIABLES[name].kind for name in NUMBERS} == {Kind.NUMBER}
    assert all(None.__class__ in get_args(get_args(field.type)[0]) for field in Facts.__dataclass_fields__.values())
