"""When did each look of a running agent begin and end, and what came of it? Judged from its database and its logs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tests.faults.agents import Agent

SCHEDULED = 0  # what `checks.kind` says
LATE_S = 0.25
QUERY = """
SELECT s.service_name, c.timestamp, c.kind, coalesce(c.reason, 'ok'), coalesce(c.error_message, '')
FROM checks AS c JOIN services AS s USING (service_id) ORDER BY c.timestamp, c.sequence
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look that is over. Times are UNIX seconds."""

    service: str
    began_at: float
    ended_at: float
    kind: int
    reason: str
    error: str

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at


def looks(host: Agent, program: str = "probe-core") -> list[Seen]:
    """Return the looks so far, of every kind; the agent must run with log_level DEBUG.

    The database has when a look began, and the log has a record of its end. A service never has two in flight.
    """
    ended: dict[str, list[float]] = defaultdict(list)
    for line in host.log(program).splitlines():
        at, _, rest = line.partition(" ")
        if rest.startswith(f"DEBUG {program} look service="):
            ended[rest.partition("service=")[2].split()[0]].append(_epoch(at))
    began: dict[str, list[tuple[float, int, str, str]]] = defaultdict(list)
    for name, at, kind, reason, error in host.rows(QUERY):
        began[name].append((_epoch(at), kind, reason, error))
    return [
        Seen(service=name, began_at=began_at, ended_at=ended_at, kind=kind, reason=reason, error=error)
        for name, rows in began.items()
        for (began_at, kind, reason, error), ended_at in zip(rows, ended[name], strict=False)  # the newest may lack a row
    ]


def of(names: Collection[str], seen: Iterable[Seen]) -> dict[str, list[Seen]]:
    """Return the looks at some services, each with its own."""
    found: dict[str, list[Seen]] = {name: [] for name in names}
    for look in seen:
        if look.service in found:
            found[look.service].append(look)
    return found


def have(host: Agent, names: Collection[str], count: int) -> bool:
    """Tell whether each of these services has been looked at so often."""
    return all(len(found) >= count for found in of(names, looks(host)).values())


def worst_lateness_s(begun: Collection[Seen], *, interval_s: float) -> float:
    """Return by how much all but one in a hundred scheduled looks at these services began too late at most.

    The grid is told by the looks themselves: its phase is that of the earliest. The first look of a service stands
    off the grid. A look that fell out is as late as an interval.
    """
    late: list[float] = []
    for mine in of({look.service for look in begun}, begun).values():
        starts = sorted(look.began_at for look in mine if look.kind == SCHEDULED)[1:]
        slots = [round((at - starts[0]) / interval_s) for at in starts]
        offsets = [at - slot * interval_s for at, slot in zip(starts, slots, strict=True)]
        late += [offset - min(offsets) for offset in offsets]
        late += [interval_s] * (slots[-1] + 1 - len(set(slots)))
    assert len(late) >= 100, f"only {len(late)} looks: too few to judge a schedule by"
    return sorted(late)[-1 - len(late) // 100]


def assert_on_schedule(begun: Collection[Seen], *, interval_s: float, host_late_s: float = 0.0) -> None:
    """`host_late_s` is by how much the host was late with anything, in that time."""
    wrong = {f"{look.reason}: {look.error}" for look in begun if look.reason != "ok"}
    assert not wrong, f"a healthy service was said to be ill: {min(wrong)}"
    late_s = worst_lateness_s(begun, interval_s=interval_s)
    told = f"looks at healthy services began up to {late_s * 1_000:.0f} ms late, and the host woke others up to {host_late_s * 1_000:.0f} ms late"
    assert late_s < LATE_S + host_late_s, told


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
