"""What does a plugin for Nagios say? Pure: its output and its exit code to a verdict and values.

The first line is text, then `|` and performance data; further lines are text until one has a `|`, after which all is
performance data (Nagios Plugin Development Guidelines, 2.6; Nagios Core, Plugin API). Exit codes are 0 OK, 1 WARNING, 2 CRITICAL,
3 UNKNOWN; every other one says that it did not work as a plugin.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from healthmon.model.check import CheckReason
from healthmon.model.performance import Performance

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

MAX_VALUES = 64
MAX_LABEL_CHARS = 64
UNKNOWN = 3
WORDS = {0: "OK", 1: "WARNING", 2: "CRITICAL"}
_ITEM = re.compile(r"(?:'((?:[^']|'')+)'|([^\s='][^\s=]*))=(\S*)")
_VALUE = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)([^\d;\s]*)")


class PluginOutput(NamedTuple):
    """`text` is the first line, which people read; `performance` what could be understood of the rest."""

    text: str
    performance: tuple[Performance, ...]


def understand(output: str) -> PluginOutput:
    """Read what a plugin wrote. What is no performance data there is left out."""
    first, _, rest = output.strip().partition("\n")
    text, _, data = first.partition("|")
    _, _, more = rest.partition("|")
    return PluginOutput(text.strip(), tuple(_performance(f"{data} {more}")))


def verdict(exit_code: int, good: Container[int]) -> CheckReason:
    """Return what an exit code means, where `good` ones count as healthy."""
    if exit_code in good:
        return CheckReason.OK
    return CheckReason.PLUGIN if exit_code in WORDS else CheckReason.PLUGIN_UNKNOWN


def _performance(data: str) -> Iterator[Performance]:
    seen: set[str] = set()
    for found in _ITEM.finditer(data):
        label = (found[1] or found[2]).replace("''", "'")[:MAX_LABEL_CHARS]
        fields = [*found[3].split(";"), "", "", "", ""][:5]
        value = _VALUE.fullmatch(fields[0])
        if value is None or label in seen or len(seen) == MAX_VALUES or not math.isfinite(float(value[1])):
            continue  # `U` is how a plugin says that it could not measure
        seen.add(label)
        yield Performance(
            label=label, value=float(value[1]), unit=value[2], warning=fields[1], critical=fields[2], minimum=_limit(fields[3]), maximum=_limit(fields[4])
        )


def _limit(text: str) -> float | None:
    found = _VALUE.fullmatch(text)
    return float(found[1]) if found and math.isfinite(float(found[1])) else None
