"""What is one question that the API answers? Its path, what may be asked for, and who answers it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic

from healthmon.spelling import nearest, quoted
from healthmon.store import services
from healthmon.web.problems import Problem
from healthmon.web.queries import Q

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from healthmon.answers.report import Known
    from healthmon.config import Config
    from healthmon.store.connection import Connection

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Q]):
    """One request. `known` is what earlier ones read; `name` is the service that the path names, or empty; `programs` are those that should run."""

    connection: Connection
    config: Config
    known: Known
    programs: tuple[str, ...]
    now: datetime
    query: Q
    name: str = ""

    def service_id(self, name: str | None) -> int | None:
        """Return the id of a service; None for None. Raises Problem (404) when there is none of that name."""
        if name is None:
            return None
        known = services.by_name(self.connection)
        if name not in known:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no service {quoted(name)}{nearest(name, known)}")
        return known[name].service_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[Q]):
    """One path below `/api/v1` that is read. `answer` is the type that `ask` returns, from which the schema is made."""

    path: str
    summary: str
    answer: type[Mapping[str, object]]
    query: type[Q]
    is_shared: bool = False  # it takes some work, and many ask for it at once
    ask: Callable[[Asked[Q]], Mapping[str, object]]
