"""What was done to a service, as marks on the axis of its charts, and in words?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from healthmon.clock import to_iso, to_people
from healthmon.model.heal import HealState
from healthmon.model.target import TargetChange
from healthmon.web.views.problems import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from healthmon.answers.changes import Done, Reconfigured
    from healthmon.model.heal import Heal
    from healthmon.store.target_starts import Start
    from healthmon.store.targets import TargetReport
    from healthmon.web.views.period import Span

WIDTH = 1_000  # of the axis, as the chart's
OURS_WITHIN = timedelta(seconds=60)  # after a restart was issued, a start is its
NOT_MADE = frozenset({HealState.PLANNED, HealState.DROPPED, HealState.GONE})


class MarkKind(StrEnum):
    """What a mark stands for; each has a letter, so that no colour is needed."""

    RESTART = "restart"
    WOULD_RESTART = "dry run"
    START = "start"  # not by healing
    DEPLOY = "deploy"
    CONFIGURATION = "configuration"


LETTERS = {MarkKind.RESTART: "R", MarkKind.WOULD_RESTART: "W", MarkKind.START: "S", MarkKind.DEPLOY: "D", MarkKind.CONFIGURATION: "C"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    kind: MarkKind
    letter: str
    x: int
    percent: float  # of the axis
    iso: str
    at: str
    words: str


def marks(done: Done, report: TargetReport | None, span: Span) -> tuple[Mark, ...]:
    """Return what was done within the span, oldest first."""
    found = [*_of_heals(done.heals), *_of_starts(done.starts, done.heals, done.since), *_of_settings(done.reconfigured), *_of_container(report)]
    inside = sorted((one for one in found if span.since <= one[0] < span.until), key=lambda one: one[0])
    return tuple(_mark(at, kind, words, span) for at, kind, words in inside)


_Found = tuple["datetime", MarkKind, str]


def _of_heals(heals: Iterable[Heal]) -> Iterator[_Found]:
    for heal in heals:
        if heal.state is HealState.WOULD_RESTART:
            yield heal.planned_at, MarkKind.WOULD_RESTART, STEPS[heal.state]
        elif heal.state not in NOT_MADE:
            by = f"by {heal.asked_by}: " if heal.asked_by else f"attempt {heal.attempt}: "
            yield heal.issued_at or heal.planned_at, MarkKind.RESTART, by + STEPS[heal.state]


def _of_starts(starts: tuple[Start, ...], heals: Iterable[Heal], since: datetime) -> Iterator[_Found]:
    """Yield the starts that no heal explains; another image is a deployment, whoever started it."""
    issued = [heal.issued_at for heal in heals if heal.issued_at is not None]
    if starts and starts[0].at >= since and not _is_ours(starts[0], issued):
        yield starts[0].at, MarkKind.START, "started, not by healing"
    for before, start in pairwise(starts):
        if start.image_id != before.image_id:
            yield start.at, MarkKind.DEPLOY, f"another image: {_short(before.image_id)} before, {_short(start.image_id)} now"
        elif not _is_ours(start, issued):
            yield start.at, MarkKind.START, "started anew, not by healing"


def _is_ours(start: Start, issued: Iterable[datetime]) -> bool:
    return any(at <= start.at <= at + OURS_WITHIN for at in issued)


def _of_settings(reconfigured: Iterable[Reconfigured]) -> Iterator[_Found]:
    for one in reconfigured:
        yield one.at, MarkKind.CONFIGURATION, f"{one.author} applied another configuration: {', '.join(one.keys)}"


def _of_container(report: TargetReport | None) -> Iterator[_Found]:
    """Yield the last other configuration of its container, as Compose tells it; another image is told by its start."""
    if report is not None and report.change is TargetChange.CONFIGURATION and report.changed_at is not None:
        yield report.changed_at, MarkKind.DEPLOY, "its container has another configuration"


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def _mark(at: datetime, kind: MarkKind, words: str, span: Span) -> Mark:
    share = (at - span.since) / span.length
    return Mark(kind=kind, letter=LETTERS[kind], x=round(WIDTH * share), percent=round(100 * share, 2), iso=to_iso(at), at=to_people(at), words=words)
