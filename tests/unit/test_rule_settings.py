"""For whom is a rule, and which rules hold when nothing is said of rules?"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from pydantic import ValidationError

from healthmon import config
from healthmon.model.alert import AlertSeverity
from healthmon.rules.defaults import DEFAULT_RULES
from healthmon.rules.language import understand
from healthmon.rules.settings import RuleSettings
from healthmon.rules.variables import Facts

SHIPPED = Path(__file__).parents[2] / "config" / "health_monitoring_config.json"


def rule(*, condition: str = "unhealthy", services: tuple[str, ...] | None = None, groups: tuple[str, ...] | None = None) -> RuleSettings:
    named = {key: names for key, names in (("services", services), ("groups", groups)) if names is not None}
    return RuleSettings.model_validate({"name": "r", "condition": condition, "severity": "info", **named})


@pytest.mark.parametrize(
    ("services", "groups", "held"),
    [(None, None, "ABC"), (("a",), None, "A"), (None, ("x",), "AB"), (("c",), ("x",), "ABC"), (("x",), None, "")],
)
def test_rule_is_for_whom_it_names(services: tuple[str, ...] | None, groups: tuple[str, ...] | None, held: str) -> None:
    asked = rule(services=services, groups=groups)
    assert "".join(name.upper() for name, group in (("a", "x"), ("b", "x"), ("c", "y")) if asked.holds_for(name, group)) == held


def test_rule_without_meaning_cannot_be_made() -> None:
    with pytest.raises(ValidationError, match="column 1: unknown name 'unhelthy'; did you mean 'unhealthy'"):
        rule(condition="unhelthy")
    with pytest.raises(ValidationError, match="must not be empty: leave it out for a rule that is for all"):
        rule(services=())


def test_default_rules_are_the_documents() -> None:
    said = [(known.name, known.condition, known.severity) for known in DEFAULT_RULES]
    assert said == [
        ("service_down", "status == 'unhealthy'", AlertSeverity.CRITICAL),
        ("high_response_time", "response_time > expected * 2", AlertSeverity.WARNING),
        ("consecutive_failures", "consecutive_failures >= 3", AlertSeverity.CRITICAL),
        ("low_uptime", "uptime_percentage < 95.0", AlertSeverity.WARNING),
        ("critical_service_down", "unhealthy AND critical", AlertSeverity.CRITICAL),
        ("service_recovery", "healthy AND was_unhealthy", AlertSeverity.INFO),
    ]


def test_default_rules_do_what_the_shipped_ones_do() -> None:
    shipped = config.load(SHIPPED).alert_rules
    strip = {"condition"}
    assert [known.model_dump(exclude=strip) for known in DEFAULT_RULES] == [known.model_dump(exclude=strip) for known in shipped]
    statuses, numbers = (None, "healthy", "unhealthy", "unknown"), (None, 0, 3, 94, 96)
    cases = [
        Facts(status=now, previous_status=before, critical=critical, response_time=n, expected_response_time=1, consecutive_failures=n, uptime_percentage=n)
        for now, before, critical, n in itertools.product(statuses, statuses, (None, True, False), numbers)
    ]
    for ours, theirs in zip(DEFAULT_RULES, shipped, strict=True):
        mine, other = understand(ours.condition).truth, understand(theirs.condition).truth
        assert [mine(facts) for facts in cases] == [other(facts) for facts in cases]


@pytest.mark.parametrize("name", ["healing_quarantined", "history_lost"])
def test_a_rule_cannot_bear_the_name_of_an_alert_that_is_not_a_rules(name: str) -> None:
    with pytest.raises(ValidationError, match="is the name of an alert of healthmon's own"):
        RuleSettings.model_validate({"name": name, "condition": "unhealthy", "severity": "critical"})
