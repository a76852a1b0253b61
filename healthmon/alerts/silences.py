"""Which alerts does a silence keep quiet? `service=doc_*` and `severity!=critical`, and all of them must match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from healthmon.alerts.ourselves import OURSELVES
from healthmon.errors import UsageError
from healthmon.model.alert import HEALING_QUARANTINED, AlertSeverity
from healthmon.spelling import MAX_LINE_CHARS, is_one_line, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from healthmon.alerts.rule import Rule
    from healthmon.model.silence import Silence

OF_SERVICE = ("service", "group")
LABELS = (*OF_SERVICE, "alert", "severity")
_MATCHER = re.compile(r"\s*(\w+)\s*(!?=)\s*(.*?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on a label of an alert. `*` and `?` in `pattern` stand for any characters, and for any one."""

    label: str
    pattern: str
    is_negated: bool

    def matches(self, labels: Mapping[str, str]) -> bool:
        pattern = self.pattern.replace("[", "[[]")  # a bracket is itself, as in the names of services
        return fnmatchcase(labels[self.label], pattern) != self.is_negated


def read_matcher(text: str) -> Matcher:
    """Read `service=doc_*`. Raises UsageError that says what is wrong with it."""
    found = _MATCHER.fullmatch(text) if is_one_line(text) else None
    if found is None or not found[3]:
        raise UsageError(f"{text[:MAX_LINE_CHARS]!r} is no matcher: write as in service=doc_store or severity!=critical")
    label, operator, pattern = found.groups()
    if label not in LABELS:
        raise UsageError(f"an alert has no {label!r}{nearest(label, LABELS)}: it has {', '.join(LABELS)}")
    return Matcher(label=label, pattern=pattern, is_negated=operator == "!=")


def is_active(silence: Silence, now: datetime) -> bool:
    return silence.starts_at <= now < silence.ends_at


def silenced_by(silences: Iterable[Silence], labels: Mapping[str, str], now: datetime) -> Silence | None:
    """Return the silence that keeps an alert with these labels quiet now, of several the one that does so longest."""
    found = (one for one in silences if is_active(one, now) and fits(one.matchers, labels))
    return max(found, key=lambda one: one.ends_at, default=None)


def all_until(ends: Sequence[datetime | None]) -> datetime | None:
    """Return so long all of several alerts are quiet, of the ends of the silences that keep each quiet; None where one is not."""
    known = [end for end in ends if end is not None]
    return min(known) if len(known) == len(ends) else None


def fits(matchers: Iterable[str], labels: Mapping[str, str]) -> bool:
    return all(read_matcher(text).matches(labels) for text in matchers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """Every alert that there can be: the services with their groups, and the rules. What heals has one alert of its own.

    `own_types` are of those that there were about ourselves.
    """

    services: Sequence[tuple[str, str]]
    rules: Sequence[Rule]
    own_types: Collection[str] = ()


def covered(matchers: Iterable[str], possible: Possible) -> list[str]:
    """Return the services of which a silence keeps some alert quiet that there can be."""
    read = [read_matcher(text) for text in matchers]
    of_service = [one for one in read if one.label in OF_SERVICE]
    of_alert = [one for one in read if one.label not in OF_SERVICE]
    rules = [rule for rule in possible.rules if _all(of_alert, alert=rule.name, severity=rule.severity.value)]
    everywhere = _all(of_alert, alert=HEALING_QUARANTINED, severity=AlertSeverity.CRITICAL.value)
    found = [
        service
        for service, group in possible.services
        if _all(of_service, service=service, group=group) and (everywhere or any(rule.is_for(service, group) for rule in rules))
    ]
    is_own = _all(of_service, service=OURSELVES, group=OURSELVES) and _may_be_own(of_alert, possible.own_types)
    return [*found, OURSELVES] if is_own else found


def _may_be_own(of_alert: Iterable[Matcher], own_types: Collection[str]) -> bool:
    """Tell whether matchers of an alert's type and severity may match one about ourselves; of which types there can be, only the past tells."""
    known: dict[str, Collection[str]] = {"alert": own_types, "severity": [severity.value for severity in AlertSeverity]}
    return all(any(matcher.matches({matcher.label: value}) for value in known[matcher.label]) for matcher in of_alert)


def mistaken(matchers: Iterable[str], possible: Possible) -> str:
    """Say what is wrong with a silence that covers nothing: the matcher that matches nothing by itself, and what it probably means."""
    known: dict[str, Collection[str]] = {
        "service": [*(service for service, _ in possible.services), OURSELVES],
        "group": {*(group for _, group in possible.services), OURSELVES},
        "alert": [*(rule.name for rule in possible.rules), HEALING_QUARANTINED, *possible.own_types],
        "severity": [severity.value for severity in AlertSeverity],
    }
    for matcher in map(read_matcher, matchers):
        if not any(matcher.matches({matcher.label: value}) for value in known[matcher.label]):
            advice = "" if matcher.is_negated else nearest(matcher.pattern, known[matcher.label])
            return f"there is no {matcher.label} that is {'not ' if matcher.is_negated else ''}{quoted(matcher.pattern)}{advice}"
    return "no alert that there can be matches all of it"


def _all(matchers: Iterable[Matcher], **labels: str) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)
