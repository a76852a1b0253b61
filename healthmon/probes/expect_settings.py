"""What does a good answer look like?"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from healthmon.settings import HeaderName, Settings, Text, require_header_value

MAX_EXIT_CODE = 255

JsonScalar = str | int | float | bool | None
_STATUS = re.compile(r"([1-5][0-9][0-9])(?:-([1-5][0-9][0-9]))?")
_STATUS_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": r"^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$"},
    ],
}


def _status_ranges(value: Any) -> tuple[tuple[int, int], ...]:
    entries = value if isinstance(value, list | tuple) else (value,)
    if not entries:
        raise ValueError("must name at least one status code")
    return tuple(map(_status_range, entries))


def _status_range(entry: object) -> tuple[int, int]:
    found = _STATUS.fullmatch(str(entry)) if isinstance(entry, int | str) else None
    if found is None:
        raise ValueError("must be a status code (204), a range ('200-299'), or a list of those")
    first, last = int(found[1]), int(found[2] or found[1])
    if first > last:
        raise ValueError(f"the range {first}-{last} is empty: write the smaller code first")
    return first, last


def _json_scalar(value: Any) -> JsonScalar:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError("must be text, a number, true, false or null: name a deeper path instead, such as 'checks.0.up'")


def _json_path(path: str) -> str:
    if not all(path.split(".")):
        raise ValueError("is not a path: write the keys with dots between, list positions as numbers, as in 'checks.0.up'")
    return path


def _header_value(value: str) -> str:
    require_header_value(value)
    return value


StatusRanges = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(_status_ranges),
    WithJsonSchema({"anyOf": [*_STATUS_SCHEMA["anyOf"], {"type": "array", "items": _STATUS_SCHEMA, "minItems": 1}]}),
]
JsonPath = Annotated[str, AfterValidator(_json_path)]
JsonValue = Annotated[
    JsonScalar,
    PlainValidator(_json_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class Expect(Settings):
    """What a good answer looks like. Everything that is set must hold."""

    status: StatusRanges = Field(
        ((200, 299),),
        description="Good status codes: one, a range such as '200-299', or a list of those. Default: '200-299'.",
        json_schema_extra={"default": "200-299"},
    )
    body: Text | None = Field(None, description="Text that must stand in the body.")
    json_path: dict[JsonPath, JsonValue] = Field(
        {},
        description='Values that the JSON body must hold, by dotted path: {"status": "ok", "checks.0.up": true}.',
    )
    headers: dict[HeaderName, Annotated[str, AfterValidator(_header_value)]] = Field(
        {},
        description="Headers that the answer must have, with their values.",
    )

    exit_codes: tuple[Annotated[int, Field(ge=0, le=MAX_EXIT_CODE)], ...] = Field(
        (0,),
        min_length=1,
        description="Exit codes of a command that count as healthy: [0, 1] takes a plugin's WARNING for well, too.",
    )

    def allows(self, status_code: int) -> bool:
        return any(first <= status_code <= last for first, last in self.status)
