"""How are metrics written for Prometheus? Its text format 0.0.4, or OpenMetrics 1.0 for who asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TOTAL = "_total"


class Kind(StrEnum):
    COUNTER = "counter"  # its name ends in _total
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(slots=True, kw_only=True)
class Family:
    """All samples of one metric. `labels` are the names; a sample gives their values in this order."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, *values: str) -> None:
        self._write(self.name, zip(self.labels, values, strict=True), value)

    def add_histogram(self, edges: tuple[float, ...], counts: tuple[int, ...], total: float, *values: str) -> None:
        """Add a histogram: `counts` are those between the edges, with one more for what is above the last."""
        named = list(zip(self.labels, values, strict=True))
        below = 0
        for edge, count in zip((*map(number, edges), "+Inf"), counts, strict=True):
            below += count
            self._write(f"{self.name}_bucket", [*named, ("le", edge)], below)
        self._write(f"{self.name}_sum", named, total)
        self._write(f"{self.name}_count", named, below)

    def _write(self, name: str, labels: zip[tuple[str, str]] | list[tuple[str, str]], value: float) -> None:
        said = ",".join(f'{label}="{escaped(text)}"' for label, text in labels)
        self.samples.append(f"{name}{{{said}}} {number(value)}" if said else f"{name} {number(value)}")


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
    return str(int(value)) if value == int(value) else repr(float(value))
