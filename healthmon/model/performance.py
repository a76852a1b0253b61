"""What a plugin measured beside its verdict."""

from __future__ import annotations

from dataclasses import dataclass


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
