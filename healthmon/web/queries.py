"""What may a request of the API ask for? A model a question: it reads the query, and the OpenAPI document shows it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from healthmon.model.alert import AlertStatus  # noqa: TC001  pydantic reads it
from healthmon.spelling import nearest, quoted
from healthmon.web.problems import Problem

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

MAX_ITEMS = 1_000
MAX_ID = 2**63 - 1  # what SQLite counts to


class Query(BaseModel):
    """The base: closed, so that a misspelled name is an error and not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Paged(Query):
    limit: int = Field(50, ge=1, le=MAX_ITEMS, description="How many at most.")


class AlertsQuery(Paged):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the alert with this id.")
    service: str | None = Field(None, description="Only those of this service.")
    status: AlertStatus | None = Field(None, description="Only those that fire, or only those that are over.")


class IncidentsQuery(Paged):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the incident with this id.")
    service: str | None = Field(None, description="Only those of this service.")
    open: bool | None = Field(None, description="Only those that last, or only those that are over.")


class HealsQuery(Paged):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the heal with this id.")
    service: str | None = Field(None, description="Only those of this service.")
    incident: int | None = Field(None, ge=1, le=MAX_ID, description="Only those of the incident with this id.")


class HistoryQuery(Paged):
    before: AwareDatetime | None = Field(None, description="Only checks before this time.")
    since: AwareDatetime | None = Field(None, description="Only checks at or after this time; without it 24 hours before `before`.")


Q = TypeVar("Q", bound=Query)


def read(model: type[Q], parameters: QueryParams) -> Q:
    """Return what is asked. Raises Problem (400) that names what is wrong."""
    pairs = parameters.multi_items()
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, _ in pairs if len(parameters.getlist(name)) > 1)
        raise Problem(HTTPStatus.BAD_REQUEST, f"{quoted(twice)} is given more than once")
    try:
        return model.model_validate_strings(found)
    except ValidationError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "; ".join(_said(detail["loc"], detail["type"], detail["msg"], model) for detail in error.errors())) from None


def _said(place: tuple[int | str, ...], kind: str, message: str, model: type[Query]) -> str:
    name = str(place[0]) if place else ""
    if kind == "extra_forbidden":
        return f"there is no parameter {quoted(name)}{nearest(name, model.model_fields)}"
    return f"{name}: {message[0].lower()}{message[1:]}"
