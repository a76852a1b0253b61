"""What did the command of one service measure last?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.store import performance_data

if TYPE_CHECKING:
    from healthmon.model.performance import Performance
    from healthmon.store.connection import Connection


READ_AS_WHOLE = 1e6  # above it, six digits would be written with an exponent


class PerformanceDocument(TypedDict):
    label: str
    value: float
    unit: str
    warning: str
    critical: str
    minimum: float | None
    maximum: float | None


def read(connection: Connection, service_id: int) -> list[PerformanceDocument]:
    """Return the values of its last look that had any, in the order of their labels."""
    return list(map(document, performance_data.of_services(connection, [service_id]).get(service_id, [])))


def document(measured: Performance) -> PerformanceDocument:
    return PerformanceDocument(
        label=measured.label,
        value=measured.value,
        unit=measured.unit,
        warning=measured.warning,
        critical=measured.critical,
        minimum=measured.minimum,
        maximum=measured.maximum,
    )


def shown(measured: Performance) -> str:
    """Return a value with its unit, for people."""
    number = f"{measured.value:,.0f}" if abs(measured.value) >= READ_AS_WHOLE else f"{measured.value:.6g}"
    return f"{number}{measured.unit if measured.unit == '%' else f' {measured.unit}'.rstrip()}"
