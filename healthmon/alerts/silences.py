"""Which alerts does a silence keep quiet? `service=doc_*` and `severity!=critical`, and all of them must match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from healthmon.errors import UsageError
from healthmon.spelling import MAX_LINE_CHARS, is_one_line, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.model.silence import Silence

LABELS = ("service", "group", "alert", "severity")
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


def fits(matchers: Iterable[str], labels: Mapping[str, str]) -> bool:
    return all(read_matcher(text).matches(labels) for text in matchers)
