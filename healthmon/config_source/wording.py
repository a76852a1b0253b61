"""How is a person told what pydantic found? In plain words, with what to do, and never with a secret.

Only numbers, switches and choices are quoted back: no secret has such a type. A text that holds a reference is quoted
as it stands in the file, not as what the reference stands for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from healthmon.config_source.node import Finding, Node, Path, Source, key_text
from healthmon.spelling import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

_NEEDED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
_SHAPES = {
    "string_type": "text in double quotes",
    "tuple_type": "a list: [ … ]",
    "dict_type": "an object: { … }",
    "model_type": "an object: { … }",
}
_LIMITS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def finding(error: ErrorDetails, source: Source, root: type[BaseModel]) -> Finding:
    """Say what `error`, found by `root` in the values of `source`, means."""
    path = tuple(step for step in error["loc"] if step != "[key]")
    if error["type"] == "extra_forbidden":
        return Finding(path=path, message=_unknown_key(path, root), on_key=True)
    return Finding(
        path=path,
        message=_message(error, path, source, root),
        on_key=path != error["loc"],
        offset=_counterpart(error, path, source),
    )


def _counterpart(error: ErrorDetails, path: Path, source: Source) -> int | None:
    """Find the key that a default does not go with: the default itself stands nowhere."""
    key = error.get("ctx", {}).get("key")
    other = source.at((*path[:-1], key)) if key and source.at(path) is None else None
    return other.offset if other else None


def _message(error: ErrorDetails, path: Path, source: Source, root: type[BaseModel]) -> str:
    kind, context, node = error["type"], error.get("ctx", {}), source.at(path)
    if kind == "missing":
        return f"is missing: {_description(path, root)}"
    if kind in _NEEDED:
        return f"must be {_NEEDED[kind]}, not {_value(node)}"
    if kind in _SHAPES:
        return f"must be {_SHAPES[kind]}, not {_kind(node)}"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"must be {words} {context[key]:g}, not {_value(node)}"
    return _special(kind, context, node) or error["msg"].removeprefix("Value error, ")


def _special(kind: str, context: dict[str, Any], node: Node | None) -> str:
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}, not {_value(node)}"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind == "string_pattern_mismatch":
        return "must not be empty or contain characters that do not belong there"
    return ""


def _value(node: Node | None) -> str:
    value = node.value if node else None
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) if isinstance(value, int | float) else _kind(node)


def _kind(node: Node | None) -> str:
    value = node.value if node else None
    if isinstance(value, bool) or value is None:
        return _value(node)
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names[type(value)]


def _unknown_key(path: Path, root: type[BaseModel]) -> str:
    key = str(path[-1])
    model = _model_at(path[:-1], root)
    known = _keys(model) if model else []
    start = f"unknown key {quoted(key)}"
    return start + (_elsewhere(key, root) or nearest(key, known) or f"; known here: {', '.join(known)}")


def _elsewhere(key: str, root: type[BaseModel]) -> str:
    """Say where a key belongs that is known in another place."""
    place = _places(root).get(key)
    return "" if place is None else f"; it belongs in {key_text(place) or 'the outermost object'}"


@cache
def _places(root: type[BaseModel]) -> dict[str, Path]:
    """Return where each key is known first."""
    places: dict[str, Path] = {}
    for place, model in _models(root, ()):
        for key in _keys(model):
            places.setdefault(key, place)
    return places


def _models(model: type[BaseModel], path: Path) -> Iterator[tuple[Path, type[BaseModel]]]:
    yield path, model
    for key, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner:
            yield from _models(inner, (*path, key))


def _description(path: Path, root: type[BaseModel]) -> str:
    model = _model_at(path[:-1], root)
    field = model.model_fields.get(str(path[-1])) if model else None
    return (field.description if field else None) or "add it"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(path: Path, root: type[BaseModel]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    for step in path:
        if isinstance(step, str) and model is not None:
            field = model.model_fields.get(step)
            model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
