"""How are metrics written for Prometheus? Its text format 0.0.4, or OpenMetrics 1.0 for who asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TOTAL = "_total"


class Kind(StrEnum):
    COUNTER = "counter"  # its name ends in _total
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(slots=True, kw_only=True)
class Family:
    """All samples of one metric. Labels come as `labelled` writes them: those of a service are written once for all its samples."""

    name: str
    kind: Kind
    about: str
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, labels: str = "") -> None:
        self.samples.append(f"{self.name}{{{labels}}} {number(value)}" if labels else f"{self.name} {number(value)}")

    def add_histogram(self, edges: Sequence[str], counts: Sequence[int], total: float, labels: str) -> None:
        """Add a histogram: `counts` are those between the edges, with one more for what is above the last."""
        below = 0
        start = f"{self.name}_bucket{{{labels},le="
        for edge, count in zip((*edges, "+Inf"), counts, strict=True):
            below += count
            self.samples.append(f'{start}"{edge}"}} {below}')
        self.samples.append(f"{self.name}_sum{{{labels}}} {number(total)}")
        self.samples.append(f"{self.name}_count{{{labels}}} {below}")


def labelled(**values: str) -> str:
    """Write labels with their values."""
    return ",".join(f'{label}="{escaped(text)}"' for label, text in values.items())


def expose(families: list[Family], *, is_open: bool) -> str:
    """Return the whole text. A family without samples is left out."""
    lines = []
    for family in families:
        if not family.samples:
            continue
        name = family.name.removesuffix(TOTAL) if is_open and family.kind is Kind.COUNTER else family.name
        about = family.about.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {family.kind.value}", *family.samples]
    return "\n".join([*lines, *(["# EOF"] if is_open else []), ""])


def escaped(text: str) -> str:
    """Write the value of a label."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Write a value; a whole one without a point."""
    if isinstance(value, int):
        return str(int(value))  # True is 1
    return str(int(value)) if value.is_integer() else repr(value)
