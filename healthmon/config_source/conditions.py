"""Do the rules of a configuration mean anything? Their conditions, and the services and groups that they name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from healthmon.config_source.file import usable
from healthmon.config_source.node import MAX_PROBLEMS, Finding, Path, Plain
from healthmon.config_source.relations import entries
from healthmon.rules.language import examined
from healthmon.rules.problems import ConditionError
from healthmon.rules.tokens import MAX_CHARS
from healthmon.service_settings import ServiceSettings
from healthmon.spelling import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DEFAULT_GROUP = ServiceSettings.model_fields["group"].default


def findings(values: Plain, written: Plain) -> list[Finding]:
    """Return what is wrong with the rules of a file, or the first hundred of it: nobody mends more at a time.

    `written` is the file before its references were resolved. A condition is judged, and quoted, as it was written:
    what a reference stands for may be a secret.
    """
    known, resolved = _known(values), entries(values, "alert_rules")
    found: list[Finding] = []
    for number, rule in entries(written, "alert_rules").items():
        found += [*_condition(number, rule, known), *_strangers(number, resolved[number], known)]
        if len(found) >= MAX_PROBLEMS:
            break
    return found


def _known(values: Plain) -> dict[str, Collection[str]]:
    """Return the services and the groups of the file, which conditions may be compared with."""
    services = entries(values, "services").values()
    names = [name for service in services if isinstance(name := service.get("name"), str)]
    groups = [group for service in services if isinstance(group := service.get("group", DEFAULT_GROUP), str)]
    return {"service": dict.fromkeys(names), "group": dict.fromkeys(groups)}


def _condition(number: int, rule: dict[str, Plain], known: dict[str, Collection[str]]) -> Iterator[Finding]:
    path: Path = ("alert_rules", number, "condition")
    condition, threshold = rule.get("condition"), rule.get("threshold")
    if not isinstance(condition, str) or not condition.strip() or len(condition) > MAX_CHARS or not usable(condition):
        return  # told as what is wrong with a text, not as a condition
    if "${" in condition:
        yield Finding(path=path, message="must not hold a reference: a condition is shown with every alert it raises")
        return
    try:
        examined(condition, threshold=_number(threshold), known=known)
    except ConditionError as error:
        for problem in error.problems:
            yield Finding(path=path, message=str(problem))


def _number(threshold: Plain) -> float | None:
    """Return the threshold, or any number when it is wrong: that is told at its own place."""
    if threshold is None:
        return None
    if isinstance(threshold, float | int) and not isinstance(threshold, bool) and abs(threshold) <= sys.float_info.max:
        return float(threshold)
    return 1.0


def _strangers(number: int, rule: dict[str, Plain], known: dict[str, Collection[str]]) -> Iterator[Finding]:
    for key, kind, what in (("services", "service", "a monitored service"), ("groups", "group", "the group of any service")):
        names = rule.get(key)
        for position, name in enumerate(names if isinstance(names, tuple) else ()):
            if isinstance(name, str) and name not in known[kind]:
                advice = nearest(name, known[kind]) or ": take it out here, or add it to services"
                yield Finding(path=("alert_rules", number, key, position), message=f"{quoted(name)} is not {what}{advice}")
