"""`healthmon probe SERVICE`: one look, and everything about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from healthmon import clock, log, probes
from healthmon.answers import performance
from healthmon.cli import containers
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY
from healthmon.heal import docker_check
from healthmon.model.check import CheckStatus
from healthmon.model.performance import quantity
from healthmon.probes.classify import bug

if TYPE_CHECKING:
    from healthmon.cli.context import Context
    from healthmon.config import ServiceSettings
    from healthmon.model.check import Outcome
    from healthmon.model.performance import Performance

PERFORMANCE = "performance"


@click.command("probe")
@click.argument("service")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def command(context: Context, service: str, *, as_json: bool) -> int:
    """Look at SERVICE now and say everything about it. Nothing is stored.

    Exit code 0 when it is healthy, 1 when it is not.
    """
    settings = context.complete.service(service)
    at = clock.now()
    outcome = _ask(settings)
    facts = {"service": settings.name, "at": clock.to_iso(at), **_asked(settings), **_answered(outcome, settings)}
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        for name, value in facts.items():
            if value is not None and name != PERFORMANCE:
                click.echo(f"{name + ':':<24}{value}")
        for one in outcome.performance:
            click.echo(log.clean(f"  {one.label + ':':<22}{quantity(one.value, one.unit)}{_limits(one)}"))
    return EXIT_FINE if outcome.status is CheckStatus.HEALTHY else EXIT_NOT_HEALTHY


def _limits(measured: Performance) -> str:
    limits = {"warning": measured.warning, "critical": measured.critical}
    told = ", ".join(f"{name} {limit}" for name, limit in limits.items() if limit)
    return f" ({told})" if told else ""


def _ask(settings: ServiceSettings) -> Outcome:
    if not settings.is_probed:
        return docker_check.outcome(containers.matches([settings])[settings.name]) or containers.UNDECIDED
    try:
        return probes.make(settings).ask()
    except Exception as error:  # noqa: BLE001  the same as in the agent: a bug of ours is shown as one
        return bug(error)


def _asked(settings: ServiceSettings) -> dict[str, str | float | None]:
    return {
        "type": settings.type,
        "url": settings.shown_url or None,
        "command": settings.shown_command or None,
        "container": settings.container or settings.compose_service,
        "timeout_seconds": settings.timeout_seconds,
        "expected_response_time": settings.expected_response_time,
    }


def _answered(outcome: Outcome, settings: ServiceSettings) -> dict[str, object]:
    seconds, expected = outcome.response_time_s, settings.expected_response_time
    return {
        "status": outcome.status.value,
        "reason": outcome.reason.value,
        "status_code": outcome.status_code,
        "response_time": None if seconds is None else round(seconds, 6),
        "slower_than_expected": None if seconds is None or expected is None else seconds > expected,
        "error_message": outcome.error_message,
        PERFORMANCE: [performance.document(one) for one in outcome.performance] or None,
    }
