"""Is a person told what made a condition true, and only that?"""

from __future__ import annotations

import pytest

from healthmon.rules.explanation import MAX_CHARS, explain
from healthmon.rules.language import understand
from healthmon.rules.variables import Facts

FACTS = Facts(
    status="unhealthy",
    previous_status="healthy",
    critical=True,
    response_time=5.2,
    expected_response_time=2.0,
    consecutive_failures=4,
    uptime_percentage=94.9996,
    uptime_coverage=100.0,
    failure_ratio_5m=0.6,
    checks_5m=8,
    restart_count=0,
    cert_expires_days=-0.5,
    status_code=503,
    seconds_in_status=86_400,
    maintenance=False,
)

SAID = [
    ("response_time > expected * 2", "5.2 s > 4 s"),
    ("response_time / expected > 2", "2.6 > 2"),
    ("response_time * 2 > 10 - expected", "10.4 s > 8 s"),
    ("2 * response_time > 10", "10.4 s > 10 s"),
    ("consecutive_failures >= 3", "4 >= 3"),
    ("3 <= consecutive_failures", "3 <= 4"),
    ("uptime_percentage < 95.0", "94.9996 % < 95 %"),
    ("uptime_percentage < threshold", "94.9996 % < 95 %"),
    ("failure_ratio_5m > 0.25", "0.6 > 0.25"),
    ("cert_expires_days < 14", "-0.5 days < 14 days"),
    ("status_code != 200", "503 != 200"),
    ("seconds_in_status > 3600 * 3", "86400 s > 10800 s"),
    ("status == 'unhealthy'", "status = unhealthy"),
    ("unhealthy AND critical", "status = unhealthy, critical = true"),
    ("status != previous_status", "status = unhealthy, previous_status = healthy"),
    ("critical == true", "critical = true"),
    ("not healthy", "status = unhealthy"),
    ("not maintenance and unhealthy == critical", "maintenance = false, status = unhealthy, critical = true"),
    ("failure_ratio_5m > 0.5 and 5 <= checks_5m", "failure_ratio_5m 0.6 > 0.5, checks_5m 8 >= 5"),
    ("not (response_time < 3 or checks_5m < 5)", "response_time 5.2 s >= 3 s, checks_5m 8 >= 5"),
    ("(response_time - expected) / 2 > 1 and critical", "(response_time - expected) / 2 1.6 s > 1 s, critical = true"),
]


@pytest.mark.parametrize(("condition", "said"), SAID)
def test_true_condition_says_its_values(condition: str, said: str) -> None:
    why = explain(understand(condition, threshold=95), FACTS)
    assert why.truth is True
    assert why.text == f"{condition}: {said}"


DECIDED = [
    ("critical or response_time > 3", True, ["critical", "response_time"]),
    ("critical or response_time > 30", True, ["critical"]),
    ("healthy or flapping or checks_5m > 5", True, ["checks_5m"]),
    ("critical and healthy and flapping", False, ["status"]),
    ("critical and flapping and cpu_usage > 3", None, ["flapping", "cpu_usage"]),
    ("maintenance or flapping", None, ["flapping"]),
    ("maintenance or healthy", False, ["maintenance", "status"]),
    ("not (critical and healthy)", True, ["status"]),
    ("true or not critical", True, []),
]


@pytest.mark.parametrize(("condition", "truth", "names"), DECIDED)
def test_only_what_decided_is_named(condition: str, *, truth: bool | None, names: list[str]) -> None:
    why = explain(understand(condition), FACTS)
    assert why.truth is truth
    assert [name for name, _ in why.operands] == names


UNKNOWN = [
    ("memory_usage > 80", "memory_usage is not known"),
    ("response_time > cpu_usage * memory_usage", "cpu_usage is not known, memory_usage is not known"),
    ("container_state == 'exited'", "container_state is not known"),
    ("response_time / restart_count > 1", "response_time / restart_count > 1 cannot be worked out: a division by zero, or a number too large"),
]


@pytest.mark.parametrize(("condition", "said"), UNKNOWN)
def test_unknown_condition_says_what_is_missing(condition: str, said: str) -> None:
    why = explain(understand(condition), FACTS)
    assert why.truth is None
    assert why.text == f"{condition}: {said}"


def test_operands_are_the_facts_with_their_values() -> None:
    why = explain(understand("response_time > expected * 2 and not cpu_usage < 3"), FACTS)
    assert why.operands == (("cpu_usage", None),)
    why = explain(understand("response_time > expected * 2"), FACTS)
    assert why.operands == (("response_time", 5.2), ("expected_response_time", 2.0))
    assert explain(understand("true or not critical"), FACTS).text == "true or not critical"


def test_numbers_that_differ_never_look_alike() -> None:
    why = explain(understand("response_time > 2"), Facts(response_time=2.0000000000000004))
    assert why.text.endswith(": 2.0000000000000004 s > 2 s")
    assert explain(understand("exit_code < 2"), Facts(exit_code=-1e300)).text.endswith(": -1e+300 < 2")
    assert explain(understand("exit_code < 2"), Facts(exit_code=0.00001234)).text.endswith(": 1.23e-05 < 2")


def test_explanation_is_one_line_of_bounded_length() -> None:
    condition = " or\n".join(f"expected > 0.{number}" for number in range(10, 35))
    text = explain(understand(condition), Facts(expected_response_time=50)).text
    assert len(text) == MAX_CHARS
    assert text.isprintable()
    assert text.endswith("…")
