"""What may a condition ask about? EVERY name, each documented once.

A new variable is one line of `Facts`; what fills it in is the evaluator.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Annotated, TypeAlias, get_args

from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetHealth, TargetState

# This file reads its own annotations: `from __future__ import annotations` would turn them into text.
Number: TypeAlias = float | None
Text: TypeAlias = str | None
Boolean: TypeAlias = bool | None
Value: TypeAlias = float | str | bool | None


class Kind(StrEnum):
    """What sort of value a name or an expression has, in the words of a message."""

    NUMBER = "a number"
    TEXT = "text"
    BOOLEAN = "true or false"


class Unit(StrEnum):
    """What a number counts. A share is one from 0 to 1."""

    NONE = ""
    SECONDS = "s"
    PERCENT = "%"
    DAYS = "days"
    SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One name. `fact` is the field of `Facts` it reads; with `equals`, it is true while that fact has this value.

    `values` are all the texts that it can be, or nothing when any text is possible.
    """

    name: str
    kind: Kind
    meaning: str
    unit: Unit = Unit.NONE
    values: tuple[str, ...] = ()
    fact: str = ""
    equals: str | None = None


@dataclass(frozen=True, slots=True)
class _Means:
    """What is said of a fact, beside its type."""

    meaning: str
    unit: Unit = Unit.NONE
    values: Iterable[str] = ()
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one service at one moment. None means unknown: a comparison with it is neither true nor false.

    Numbers may be given as int or float; one that is not finite counts as unknown.
    """

    status: Annotated[Text, _Means("The confirmed status.", values=ServiceStatus)] = None
    previous_status: Annotated[Text, _Means("The last other confirmed status; unknown before the first change.", values=ServiceStatus)] = None
    service: Annotated[Text, _Means("The name of the service.")] = None
    group: Annotated[Text, _Means("The group of the service.")] = None
    critical: Annotated[Boolean, _Means("Whether the service is configured as critical.")] = None
    reason: Annotated[Text, _Means("Why the last check ended as it did.", values=CheckReason)] = None
    response_time: Annotated[Number, _Means("Time of the last check's answer.", unit=Unit.SECONDS)] = None
    expected_response_time: Annotated[Number, _Means("The service's expected_response_time.", unit=Unit.SECONDS, alias="expected")] = None
    status_code: Annotated[Number, _Means("The HTTP status code of the last answer.")] = None
    consecutive_failures: Annotated[Number, _Means("Scheduled checks in a row that failed.")] = None
    seconds_in_status: Annotated[Number, _Means("How long the status has been what it is.", unit=Unit.SECONDS)] = None
    uptime_percentage: Annotated[Number, _Means("Healthy share of the known time of the last 24 hours.", unit=Unit.PERCENT)] = None
    uptime_coverage: Annotated[Number, _Means("Known share of the last 24 hours.", unit=Unit.PERCENT)] = None
    checks_5m: Annotated[Number, _Means("Scheduled checks of the last 5 minutes that are known to be healthy or unhealthy.")] = None
    checks_15m: Annotated[Number, _Means("As checks_5m, of the last 15 minutes.")] = None
    checks_30m: Annotated[Number, _Means("As checks_5m, of the last 30 minutes.")] = None
    checks_1h: Annotated[Number, _Means("As checks_5m, of the last hour.")] = None
    failure_ratio_5m: Annotated[Number, _Means("Unhealthy share of checks_5m, from 0 to 1.", unit=Unit.SHARE)] = None
    failure_ratio_15m: Annotated[Number, _Means("Unhealthy share of checks_15m, from 0 to 1.", unit=Unit.SHARE)] = None
    failure_ratio_30m: Annotated[Number, _Means("Unhealthy share of checks_30m, from 0 to 1.", unit=Unit.SHARE)] = None
    failure_ratio_1h: Annotated[Number, _Means("Unhealthy share of checks_1h, from 0 to 1.", unit=Unit.SHARE)] = None
    unhealthy_share_2h: Annotated[Number, _Means("Unhealthy share of the known time of the last 2 hours, from 0 to 1.", unit=Unit.SHARE)] = None
    unhealthy_share_6h: Annotated[Number, _Means("As unhealthy_share_2h, of the last 6 hours.", unit=Unit.SHARE)] = None
    unhealthy_share_24h: Annotated[Number, _Means("As unhealthy_share_2h, of the last 24 hours.", unit=Unit.SHARE)] = None
    response_time_avg_5m: Annotated[Number, _Means("Mean response time of the answers of the last 5 minutes.", unit=Unit.SECONDS)] = None
    flapping: Annotated[Boolean, _Means("Whether the checks change between good and bad too often to trust any of them.")] = None
    cert_expires_days: Annotated[Number, _Means("Days until the service's TLS certificate expires; negative afterwards.", unit=Unit.DAYS)] = None
    memory_usage: Annotated[Number, _Means("Memory of the container, in percent of its limit, else of the host's memory.", unit=Unit.PERCENT)] = None
    cpu_usage: Annotated[Number, _Means("CPU of the container, in percent of one core.", unit=Unit.PERCENT)] = None
    restart_count: Annotated[Number, _Means("Restarts of the container by its engine's own restart policy.")] = None
    oom_killed: Annotated[Boolean, _Means("Whether the kernel killed the container for its memory.")] = None
    exit_code: Annotated[Number, _Means("What the container's last run ended with.")] = None
    container_state: Annotated[Text, _Means("The container's state, in Docker's words.", values=TargetState)] = None
    container_health: Annotated[Text, _Means("What Docker's own health check says of the container.", values=TargetHealth)] = None
    maintenance: Annotated[Boolean, _Means("Whether the service is in maintenance.")] = None
    dependency_unhealthy: Annotated[Boolean, _Means("Whether a service that this one depends on is unhealthy, or a container that its Compose file declares.")] = None
    healing: Annotated[Text, _Means("What healing does about the open outage, or why it does nothing, as `healthmon status --json` has it.")] = None
    quarantined: Annotated[Boolean, _Means("Whether healing has given up on the service.")] = None

    def __post_init__(self) -> None:
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and not _is_finite(value):
                object.__setattr__(self, name, None)


THRESHOLD = "threshold"
CONTAINER_USAGE = frozenset({"memory_usage", "cpu_usage"})  # cost calls: the engine is asked for them only when a rule uses them

# Names that stand for a comparison: name -> fact, its value, meaning.
_SHORTHANDS = {
    "healthy": ("status", ServiceStatus.HEALTHY, "Short for status == 'healthy'."),
    "unhealthy": ("status", ServiceStatus.UNHEALTHY, "Short for status == 'unhealthy'."),
    "unknown": ("status", ServiceStatus.UNKNOWN, "Short for status == 'unknown'."),
    "was_unhealthy": ("previous_status", ServiceStatus.UNHEALTHY, "Short for previous_status == 'unhealthy', for as long as the status stays."),
}
_KINDS = {Number: Kind.NUMBER, Text: Kind.TEXT, Boolean: Kind.BOOLEAN}


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that is no float
        return False


def _described() -> Iterable[Variable]:
    for known in fields(Facts):
        sort, said = get_args(known.type)
        variable = Variable(
            name=known.name,
            kind=_KINDS[sort],
            meaning=said.meaning,
            unit=said.unit,
            values=tuple(map(str, said.values)),
            fact=known.name,
        )
        yield variable
        if said.alias:
            yield replace(variable, name=said.alias, meaning=f"Short for {known.name}.")
    for name, (fact, value, meaning) in _SHORTHANDS.items():
        yield Variable(name=name, kind=Kind.BOOLEAN, meaning=meaning, fact=fact, equals=str(value))
    yield Variable(name=THRESHOLD, kind=Kind.NUMBER, meaning="The threshold of the rule itself.")


VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _described()}
NUMBERS = tuple(variable.name for variable in VARIABLES.values() if variable.kind is Kind.NUMBER and variable.name == variable.fact)
