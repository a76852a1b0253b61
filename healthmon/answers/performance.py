"""What did the command of one service measure last?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.store import performance_data

if TYPE_CHECKING:
    from healthmon.model.performance import Performance
    from healthmon.store.connection import Connection


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
