"""What may a request of the API ask for? A model a question: it reads the query, and the OpenAPI document shows it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from healthmon.model.alert import AlertStatus  # noqa: TC001  pydantic reads it
from healthmon.model.status import ServiceStatus
from healthmon.spelling import nearest, quoted
from healthmon.web.problems import Problem
from healthmon.web.views.choice import Choice
from healthmon.web.views.period import Period, Range
from healthmon.web.views.slo import Days

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

MAX_ITEMS = 1_000
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:")
_FIELD = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?")
MAX_ID = 2**63 - 1  # what SQLite counts to


def _written_out(text: object) -> object:
    """Refuse a bare number, which pydantic would take for seconds since 1970."""
    if isinstance(text, str) and _TIME.match(text) is None:
        raise ValueError("must be a time as in 2025-09-18T10:30:00Z")
    return text


Time = Annotated[AwareDatetime, BeforeValidator(_written_out)]


def _of_a_field(text: object) -> object:
    """Read what a form's field sends: nothing, or a time without a zone, which is UTC."""
    if isinstance(text, str) and _FIELD.fullmatch(text):
        return f"{text}Z"
    return None if text == "" else _written_out(text)


FieldTime = Annotated[AwareDatetime | None, BeforeValidator(_of_a_field)]


class Query(BaseModel):
    """The base: closed, so that a misspelled name is an error and not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Paged(Query):
    limit: int = Field(50, ge=1, le=MAX_ITEMS, description="How many at most.")


class AlertsQuery(Paged):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the alert with this id.")
    service: str | None = Field(None, description="Only those of this service.")
    status: AlertStatus | None = Field(None, description="Only those that fire, that are over, or that were taken out of the configuration while they fired.")


class IncidentsQuery(Paged):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the incident with this id.")
    service: str | None = Field(None, description="Only those of this service.")
    open: bool | None = Field(None, description="Only those that last, or only those that are over.")


class HealsQuery(Paged):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the heal with this id.")
    service: str | None = Field(None, description="Only those of this service.")
    incident: int | None = Field(None, ge=1, le=MAX_ID, description="Only those of the incident with this id.")


class HistoryQuery(Paged):
    before: Time | None = Field(None, description="Only checks before this time.")
    since: Time | None = Field(None, description="Only checks at or after this time; without it 24 hours before `before`.")


class LevelsQuery(Query):
    since: Time | None = Field(None, description="From when on; without it 30 days before `until`; what is longer ago than ten years is left out.")
    until: Time | None = Field(None, description="Until when, at most now; without it now.")


class PeriodQuery(Query):
    """Of which time a page is: `range`, or `from` and `to`."""

    range: Range | Literal[""] = Field("", description="How far back it looks.")
    since: FieldTime = Field(None, alias="from", description="Since when; a time without a zone is UTC.")
    until: FieldTime = Field(None, alias="to", description="Until when; without it until now.")

    def period(self) -> Period:
        """Return it. Raises Problem (400) where both are asked for."""
        if self.range and self.since is not None:
            raise Problem(HTTPStatus.BAD_REQUEST, "range: ask for a range, or from and to, not both")
        return Period(range=self.range or Range.DAY, since=self.since, until=self.until)


class OverviewQuery(PeriodQuery):
    """What the first page is asked for: its form sends empty fields, too."""

    q: str = Field("", max_length=200, description="Only services with this in their name or group.")
    group: str = Field("", max_length=200, description="Only those of this group.")
    status: ServiceStatus | Literal[""] = Field("", description="Only those with this status.")
    kiosk: bool = Field(default=False, description="For a screen on a wall: tiles, and nothing to press.")
    compact: bool = Field(default=False, description="A line for each service, without what stands below others.")
    page: int = Field(1, ge=1, le=MAX_ITEMS, description="Which hundred of them.")

    def choice(self) -> Choice:
        status = ServiceStatus(self.status) if self.status else None
        return Choice(text=self.q.strip(), group=self.group, status=status, kiosk=self.kiosk, compact=self.compact, page=self.page, period=self.period())


class ServicePageQuery(PeriodQuery):
    pass


class SloPageQuery(Query):
    days: Days = Field(Days.MONTH, description="How many days back it looks.")


class IncidentsPageQuery(Query):
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only older ones than the incident with this id.")


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
        raise Problem(HTTPStatus.BAD_REQUEST, said(error, model)) from None


def said(error: ValidationError, model: type[BaseModel]) -> str:
    """Return what is wrong with what somebody asked for, in one line."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(_said(".".join(map(str, detail["loc"])), detail["type"], detail["msg"], model) for detail in details)


def _said(place: str, kind: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        names = [field.alias or name for name, field in model.model_fields.items()]
        return f"{quoted(place)} is not known here{nearest(place, names)}"
    words = f"{message[0].lower()}{message[1:]}".removeprefix("value error, ")
    return f"{place}: {words}" if place else words
