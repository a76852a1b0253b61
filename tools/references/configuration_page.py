"""Every key of the configuration, from the schema that editors use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cells import cell, code  # beside this file

from healthmon.config import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

HEAD = """\
# Every key of the configuration

The file is JSON, with comments and trailing commas allowed, or YAML with the same keys. `healthmon validate` explains what a file
means and what is wrong with it; [`config/healthmon.schema.json`](../../config/healthmon.schema.json) says the same to an editor.
A text may be `${env:NAME}`, `${file:PATH}` or `${cred:NAME}`, so that no secret stands in the file. Times are in the unit that the key
names. A key without a default must be given; "none" is a default, too.
"""
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object", "array": "list"}


def written() -> str:
    """Return the page."""
    whole = json_schema()
    parts = [HEAD, *_part("The file itself", "", whole, whole["$defs"], set())]
    return "\n".join(parts)


def _part(title: str, about: str, block: Json, blocks: Json, told: set[str]) -> Iterator[str]:
    """Write one object's keys as a table, and after it the objects that its keys hold, each where it is first met."""
    yield f"## {title}\n"
    if about:
        yield f"{about}\n"
    yield "| key | value | default | |\n|---|---|---|---|"
    inner: list[tuple[str, str]] = []
    for key, value in block["properties"].items():
        if key == "$schema":
            continue
        held = _held(value)
        if held and "properties" in blocks[held]:
            inner.append((_path(title, key, value), held))
        yield f"| `{key}` | {_value(value, blocks)} | {_default(key, value, block, is_block=bool(held))} | {cell(value.get('description', ''))} |"
    yield ""
    for path, held in inner:
        if held not in told:
            told.add(held)
            yield from _part(path, blocks[held].get("description", ""), blocks[held], blocks, told)


def _path(title: str, key: str, value: Json) -> str:
    own = f"{key}[]" if value.get("type") == "array" else key
    return f"`{own}`" if not title.startswith("`") else f"`{title.strip('`')}.{own}`"


def _held(value: Json) -> str:
    """Return the name of the object that a key holds, by itself or in a list; nothing when it holds none."""
    for one in (value, value.get("items", {}), value.get("additionalProperties", {}), *value.get("anyOf", ())):
        if isinstance(one, dict) and "$ref" in one:
            return str(one["$ref"]).rpartition("/")[2]
    return ""


def _value(value: Json, blocks: Json) -> str:
    if "anyOf" in value:
        kinds = [_value(one, blocks) for one in value["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in value:
        block = blocks[_held(value)]
        return _value(block, blocks) if "properties" not in block else "object"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"] if not (isinstance(one, str) and one.upper() in value["enum"] and one.islower()))
    if value.get("type") == "array":
        return f"list of {_value(value['items'], blocks)}" if "items" in value else "list"
    return WORDS.get(value.get("type", ""), "any") + _range(value)


def _range(value: Json) -> str:
    least, most, above = value.get("minimum"), value.get("maximum"), value.get("exclusiveMinimum")
    if least is not None and most is not None:
        return f" from {least:g} to {_number(most)}"
    if above is not None:
        return f" above {above:g}" + (f" to {_number(most)}" if most is not None else "")
    return f" from {least:g}" if least is not None else ""


def _number(value: float) -> str:
    return f"{value:,g}" if value < 1_000_000 else f"{value:,.0f}"  # noqa: PLR2004  above it, :g counts in powers of ten


def _default(key: str, value: Json, block: Json, *, is_block: bool) -> str:
    if key in block.get("required", ()):
        return "must be given"
    if "default" not in value or (is_block and isinstance(value["default"], dict)):
        return ""
    return "none" if value["default"] is None else code(json.dumps(value["default"], ensure_ascii=False))
