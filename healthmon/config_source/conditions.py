"""Do the rules of a configuration mean anything? Their conditions, and the services and groups that they name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from healthmon.config_source.file import usable
from healthmon.config_source.names import known_names, strangers
from healthmon.config_source.node import MAX_PROBLEMS, Finding, Path, Plain
from healthmon.config_source.relations import entries
from healthmon.rules.language import examined
from healthmon.rules.problems import ConditionError
from healthmon.rules.tokens import MAX_CHARS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

def findings(values: Plain, written: Plain) -> list[Finding]:
    """Return what is wrong with the rules of a file, or the first hundred of it: nobody mends more at a time.

    `written` is the file before its references were resolved. A condition is judged, and quoted, as it was written:
    what a reference stands for may be a secret.
    """
    known, resolved = known_names(values), entries(values, "alert_rules")
    found: list[Finding] = []
    for number, rule in entries(written, "alert_rules").items():
        found += [*_condition(number, rule, known), *strangers(("alert_rules", number), resolved[number], known)]
        if len(found) >= MAX_PROBLEMS:
            break
    return found


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
