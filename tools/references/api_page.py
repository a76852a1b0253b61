"""Every route of the API, from the OpenAPI document that the agent serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cells import cell  # beside this file

from healthmon.web import openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

HEAD = """\
# Every route of the API

Under `/api/v1`, JSON, times in ISO 8601 UTC. On the host itself reading needs no token; writing always does
(`Authorization: Bearer …`, which is `web.token` or what `healthmon web login` gives). What cannot be done is told as
`application/problem+json`. The whole document, with the fields of every answer, is at `/api/v1/openapi.json`.
"""


def written() -> str:
    """Return the page."""
    document = openapi.document()
    parts = [HEAD]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(f"{method.upper()} {path}", operation, document["components"]["schemas"])
    return "\n".join(parts)


def _operation(title: str, operation: Json, models: Json) -> Iterator[str]:
    yield f"## `{title}`\n"
    yield f"{operation['summary']} Answers with {_answer(operation['responses'])}.\n"
    rows = [(one["name"], one["in"], one.get("description") or one["schema"].get("description", "")) for one in operation.get("parameters", ())]
    rows += _fields(operation.get("requestBody"), models)
    if rows:
        yield "| name | in | |\n|---|---|---|"
        yield from (f"| `{name}` | {place} | {cell(about)} |" for name, place, about in rows)
        yield ""


def _answer(responses: Json) -> str:
    return ", ".join(f"{status}{_model(told)}" for status, told in responses.items() if status.startswith(("2", "3")))


def _model(told: Json) -> str:
    for content in told.get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        return f" (`{name}`)" if name else ""
    return ""


def _fields(body: Json | None, models: Json) -> list[tuple[str, str, str]]:
    if body is None:
        return []
    [content] = body["content"].values()
    model = models[content["schema"]["$ref"].rpartition("/")[2]]
    needed = model.get("required", ())
    return [(name, "body" if name in needed else "body, optional", value.get("description", "")) for name, value in model["properties"].items()]
