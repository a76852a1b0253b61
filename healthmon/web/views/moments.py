"""How is a time written on a page? For machines exactly, and for people by how long ago it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.clock import to_iso
from healthmon.web.views import wording

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    iso: str
    age: str


def moment(at: datetime, now: datetime) -> Moment:
    return Moment(iso=to_iso(at), age=wording.age(at, now))


def moment_or_none(at: datetime | None, now: datetime) -> Moment | None:
    return None if at is None else moment(at, now)
