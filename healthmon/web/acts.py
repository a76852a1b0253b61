"""What may a person do through the API? A model an act: it reads the body, and the OpenAPI document shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from healthmon.alerts.silences import LABELS, read_matcher
from healthmon.errors import UsageError
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.spelling import LINE_CHARS, MAX_LINE_CHARS, is_one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

YEAR_S = 366 * 86_400


def _one_line(text: str) -> str:
    if not is_one_line(text):
        raise ValueError(f"must be one line of at most {MAX_LINE_CHARS} characters")
    return text


def _matcher(text: str) -> str:
    try:
        read_matcher(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return text


def _line(**rules: Any) -> Any:
    """Return what pydantic and the OpenAPI document are told of a line; its pattern is checked by `_one_line`, in better words."""
    return Field(max_length=MAX_LINE_CHARS, json_schema_extra={"pattern": f"^{_CHARS}*$"}, **rules)


_CHARS = LINE_CHARS.replace(r"\ud800-\udfff", "")  # JSON has no half characters
_MATCHER = f"^({'|'.join(LABELS)})!?=[^\\s{_CHARS[2:]}{_CHARS}*$"
Line = Annotated[str, _line(), AfterValidator(_one_line)]
Reason = Annotated[str, _line(min_length=1, description="Why, for those who wonder."), AfterValidator(_one_line)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Matcher = Annotated[str, Field(max_length=MAX_LINE_CHARS, json_schema_extra={"pattern": _MATCHER}), AfterValidator(_matcher)]
Seconds = Annotated[float, Field(gt=0, le=YEAR_S, description="How long.")]


class Act(BaseModel):
    """The base: closed, so that a misspelled name is an error and not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Acknowledge(Act):
    reason: Line = Field("", description="Why, for those who read it later.")
    seconds: Seconds | None = Field(None, description="So long only; without it until the outage is over.")


class Hold(Act):
    reason: Reason
    seconds: Seconds


class Release(Act):
    reason: Line = Field("", description="Why.")


class HealNow(Act):
    reason: Reason
    force: bool = Field(default=False, description="Also what healing has given up on, or a person holds back.")


class BeginSilence(Act):
    matchers: tuple[Matcher, ...] = Field(
        min_length=1, max_length=20, description="What it is about: all must match. As in service=doc_* or severity!=critical."
    )
    reason: Reason
    seconds: Seconds


class BeginMaintenance(Act):
    services: tuple[Name, ...] = Field(min_length=1, max_length=1_000, description="Their names.")
    reason: Reason
    seconds: Seconds


class End(Act):
    pass


A = TypeVar("A", bound=Act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing(Generic[A]):
    """One request to do something. `name` is the service, `number` the thing, that the path names; empty or 0 where it names none."""

    wanted: A
    author: str
    now: datetime
    name: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed(Generic[A]):
    """One path that is posted to."""

    path: str
    summary: str
    body: type[A]
    action: Callable[[Doing[A]], OperatorAction]


def acknowledge(doing: Doing[Acknowledge]) -> OperatorAction:
    return _action(OperatorActionKind.ACKNOWLEDGE, doing, doing.wanted.reason, seconds=doing.wanted.seconds)


def hold(doing: Doing[Hold]) -> OperatorAction:
    return _action(OperatorActionKind.HOLD, doing, doing.wanted.reason, seconds=doing.wanted.seconds)


def release(doing: Doing[Release]) -> OperatorAction:
    return _action(OperatorActionKind.RELEASE, doing, doing.wanted.reason)


def heal_now(doing: Doing[HealNow]) -> OperatorAction:
    return replace(_action(OperatorActionKind.HEAL_NOW, doing, doing.wanted.reason), force=doing.wanted.force)


def begin_silence(doing: Doing[BeginSilence]) -> OperatorAction:
    begun = _action(OperatorActionKind.SILENCE, doing, doing.wanted.reason, seconds=doing.wanted.seconds)
    return replace(begun, matchers=doing.wanted.matchers)


def end_silence(doing: Doing[End]) -> OperatorAction:
    return replace(_action(OperatorActionKind.END_SILENCE, doing), silence_id=doing.number)


def begin_maintenance(doing: Doing[BeginMaintenance]) -> OperatorAction:
    begun = _action(OperatorActionKind.MAINTENANCE, doing, doing.wanted.reason, seconds=doing.wanted.seconds)
    return replace(begun, services=tuple(dict.fromkeys(doing.wanted.services)))


def end_maintenance(doing: Doing[End]) -> OperatorAction:
    return replace(_action(OperatorActionKind.END_MAINTENANCE, doing), maintenance_id=doing.number)


def _action(kind: OperatorActionKind, doing: Doing[A], reason: str = "", *, seconds: float | None = None) -> OperatorAction:
    """Return what all acts have: when, who, why, on which service, and until when."""
    return OperatorAction(
        kind=kind,
        made_at=doing.now,
        author=doing.author,
        reason=reason,
        service=doing.name or None,
        until=None if seconds is None else doing.now + timedelta(seconds=seconds),
    )
