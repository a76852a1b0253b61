"""Which rules hold when a configuration says nothing of rules? The six of the user's document."""

from __future__ import annotations

from healthmon.model.alert import AlertSeverity
from healthmon.rules.settings import RuleSettings

DEFAULT_RULES = (
    RuleSettings(
        name="service_down",
        condition="status == 'unhealthy'",
        severity=AlertSeverity.CRITICAL,
        threshold=1,
        duration_minutes=2,
    ),
    RuleSettings(
        name="high_response_time",
        condition="response_time > expected * 2",
        severity=AlertSeverity.WARNING,
        threshold=2.0,
        duration_minutes=5,
    ),
    RuleSettings(
        name="consecutive_failures",
        condition="consecutive_failures >= 3",
        severity=AlertSeverity.CRITICAL,
        threshold=3,
        duration_minutes=1,
    ),
    RuleSettings(
        name="low_uptime",
        condition="uptime_percentage < 95.0",
        severity=AlertSeverity.WARNING,
        threshold=95.0,
        duration_minutes=15,
    ),
    RuleSettings(
        name="critical_service_down",
        condition="unhealthy AND critical",
        severity=AlertSeverity.CRITICAL,
        threshold=1,
        duration_minutes=1,
    ),
    RuleSettings(
        name="service_recovery",
        condition="healthy AND was_unhealthy",
        severity=AlertSeverity.INFO,
        threshold=1,
        duration_minutes=1,
    ),
)
