"""Between which edges are response times counted for Prometheus? The usual ones, and the expected time of the service itself."""

from __future__ import annotations

USUAL_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def edges_us(expected_s: float | None) -> tuple[int, ...]:
    """Return the edges in microseconds. With one on the expected time, the share of slow answers is no estimate."""
    wanted = USUAL_S if expected_s is None else (*USUAL_S, expected_s)
    return tuple(sorted({round(edge * 1e6) for edge in wanted}))
