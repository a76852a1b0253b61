"""What a plugin measured beside its verdict."""

from __future__ import annotations

from dataclasses import dataclass

READ_AS_WHOLE = 1e6  # above it, six digits would be written with an exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One value, in the unit that the plugin gave (s, ms, B, %, c …); thresholds are ranges as plugins write them, such as `10:20`."""

    label: str
    value: float
    unit: str = ""
    warning: str = ""
    critical: str = ""
    minimum: float | None = None
    maximum: float | None = None

    def __str__(self) -> str:
        return f"{self.label} {quantity(self.value, self.unit)}"


def quantity(value: float, unit: str) -> str:
    """Write a value with its unit, for people."""
    number = f"{value:,.0f}" if abs(value) >= READ_AS_WHOLE else f"{value:.6g}"
    return f"{number}{unit if unit == '%' else f' {unit}'.rstrip()}"
