"""What does the API promise, in the words of OpenAPI 3.1? Made from the same models that read and answer requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import TypeAdapter

from healthmon import __version__
from healthmon.web.api import ENDPOINTS
from healthmon.web.endpoints import PREFIX
from healthmon.web.events import EventsQuery
from healthmon.web.problems import MEDIA_TYPE, ProblemDocument
from healthmon.web.sessions import Login, SessionDocument
from healthmon.web.writing import DEEDS, ActedDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.web.acts import Deed
    from healthmon.web.endpoints import Endpoint
    from healthmon.web.queries import Query

Json: TypeAlias = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
BEARER = "token"
WRITER: list[Json] = [{BEARER: []}]
READER: list[Json] = [{}, {BEARER: []}]  # on the host itself nothing is needed
_MODE: Literal["validation"] = "validation"
_IN_PATH = re.compile(r"\{(\w+)\}")
PATH_PARAMETERS: dict[str, Json] = {
    "name": {"type": "string", "description": "The name of a service.", "minLength": 1, "maxLength": 64},
    "number": {"type": "integer", "description": "The number that it was given.", "minimum": 1, "maximum": 10**18 - 1},
}


def document() -> Json:
    """Return the whole document."""
    types = sorted(set(_types()), key=lambda one: one.__name__)
    adapters: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = [(one.__name__, _MODE, TypeAdapter(one)) for one in types]
    _, schemas = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "healthmon",
            "version": __version__,
            "description": "How every service is, what was done about it, and what a person has to say to it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        "paths": dict(_paths()),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer", "description": "web.token, or a session."}},
        },
    }


def _types() -> Iterable[type]:
    yield from (endpoint.answer for endpoint in ENDPOINTS)
    yield from (deed.body for deed in DEEDS)
    yield from (ProblemDocument, ActedDocument, Login, SessionDocument)


def _paths() -> Iterable[tuple[str, Json]]:
    posted = {deed.path: deed for deed in DEEDS}
    for endpoint in ENDPOINTS:
        operations = {"get": _reading(endpoint)}
        if endpoint.path in posted:
            operations["post"] = _writing(posted.pop(endpoint.path))
        yield endpoint.path, operations
    for path, deed in posted.items():
        yield path, {"post": _writing(deed)}
    yield "/session", {"post": _session()}
    yield "/events", {"get": _events()}
    yield "/http_sd", {"get": _operation("get_http_sd", "Targets for Prometheus's HTTP service discovery.", {"200": _told("They.", {"type": "array"})})}
    yield "/openapi.json", {"get": _operation("openapi", "This document.", {"200": _told("It.", {"type": "object"})})}


def _reading(endpoint: Endpoint[Any]) -> Json:
    name = "_".join(re.findall(r"\w+", endpoint.path))
    told = _told("The answer.", {"$ref": REFERENCE.format(model=endpoint.answer.__name__)})
    told["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "Send it as If-None-Match, and hear only of news."}}
    unchanged = {"description": "As it was when the ETag of If-None-Match was given."}
    return _operation(f"get_{name}", endpoint.summary, {"200": told, "304": unchanged}) | {
        "security": READER,
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
    }


def _writing(deed: Deed[Any]) -> Json:
    name = "_".join(re.findall(r"\w+", deed.path))
    acted = {"$ref": REFERENCE.format(model=ActedDocument.__name__)}
    told = {"200": _told("It is done.", acted), "202": _told("It is written down, and will be done.", acted)}
    return _operation(f"post_{name}", deed.summary, told) | {
        "security": WRITER,
        "parameters": _path_parameters(deed.path),
        "requestBody": _body(deed.body),
    }


def _session() -> Json:
    told = _told("What to send as `Authorization: Bearer …`.", {"$ref": REFERENCE.format(model=SessionDocument.__name__)})
    return _operation("post_session", "Begin a session, with a login link or the token.", {"200": told}) | {"requestBody": _body(Login)}


def _events() -> Json:
    stream = {"description": "Server-Sent Events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    parameters = _query_parameters(EventsQuery)
    parameters.append({"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "As browsers send it."})
    summary = "Changes as they come: service, summary, incident, alert, heal, operator_action; and a beat every few seconds."
    return _operation("get_events", summary, {"200": stream}) | {"security": READER, "parameters": parameters}


def _operation(name: str, summary: str, told: Json) -> Json:
    problem = {"description": "Why not.", "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model=ProblemDocument.__name__)}}}}
    return {"operationId": name, "summary": summary, "responses": {**told, "default": problem}}


def _told(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _body(model: type) -> Json:
    return {"required": True, "content": {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}}


def _path_parameters(path: str) -> list[Json]:
    return [_parameter(name, "path", PATH_PARAMETERS[name], required=True) for name in _IN_PATH.findall(path)]


def _query_parameters(model: type[Query]) -> list[Json]:
    schema = model.model_json_schema(ref_template=REFERENCE)
    properties, shared = schema.get("properties", {}), schema.get("$defs", {})
    return [_parameter(name, "query", _plain(one, shared), required=False) for name, one in properties.items()]


def _parameter(name: str, place: str, schema: Json, *, required: bool) -> Json:
    described = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    return {"name": name, "in": place, "required": required, "description": schema.get("description", ""), "schema": described}


def _plain(schema: Json, shared: Json) -> Json:
    """Return the schema of a parameter: what may be left out is not null then, and what is referred to stands in it."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        schema = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}} | choices[0]
    reference = schema.get("$ref")
    if reference is not None:
        found = shared[reference.rpartition("/")[2]]
        schema = {key: value for key, value in schema.items() if key != "$ref"} | {key: found[key] for key in ("type", "enum")}
    return schema
