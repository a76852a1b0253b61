"""What are Uptime Kuma's monitors as services? Pure: from the rows of its table, of 1.x and 2.x."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from healthmon.cli.init_taken import Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Row = Mapping[str, Any]

PLUGINS = "/usr/lib/nagios/plugins"
PACKAGE = "needs Debian's package monitoring-plugins"
SIMPLE_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


def of_monitors(rows: Iterable[Row]) -> list[Taken]:
    """Return each monitor that is not a mere group, in its order."""
    found = list(rows)
    groups = {row["id"]: str(row["name"]) for row in found if row["type"] == "group"}
    return [_of(row, groups.get(row.get("parent"), "")) for row in found if row["type"] != "group"]


def _of(row: Row, group: str) -> Taken:
    taken = Taken(name=str(row["name"]))
    make = MAKERS.get(str(row["type"]))
    if make is None:
        return taken.left(f"is of type {row['type']}, which healthmon has no equal of")
    if row.get("upside_down"):
        return taken.left("is upside down: well while it does not answer")
    taken.entry |= _rhythm(row)
    if group:
        taken.entry["group"] = group
    if not row.get("active", 1):
        taken.entry["enabled"] = False
    make(row, taken)
    return taken


def _rhythm(row: Row) -> dict[str, object]:
    interval = float(row.get("interval") or 60)
    found: dict[str, object] = {"interval_seconds": interval, "confirmations": int(row.get("maxretries") or 0)}
    if row.get("retry_interval"):
        found["retry_interval_seconds"] = float(row["retry_interval"])
    found["timeout_seconds"] = min(interval, float(row.get("timeout") or 0) or 48.0)  # what Kuma takes for none is 80 % of a minute
    return found


def _http(row: Row, taken: Taken) -> None:
    method = str(row.get("method") or "GET").upper()
    if method not in {"GET", "HEAD"} or row.get("body"):
        taken.left(f"asks with {method}{' and a body' if row.get('body') else ''}, healthmon only with GET")
        return
    taken.entry["url"] = str(row.get("url") or "")
    expect: dict[str, object] = {}
    codes = json.loads(row.get("accepted_statuscodes_json") or "[]")
    if codes and codes != ["200-299"]:
        expect["status"] = codes
    _expected_body(row, expect, taken)
    if expect and taken.entry:
        taken.entry["expect"] = expect
    if row.get("ignore_tls"):
        taken.entry["tls"] = {"verify": False}
    _headers(row, taken)


def _expected_body(row: Row, expect: dict[str, object], taken: Taken) -> None:
    if row["type"] == "keyword":
        if row.get("invert_keyword"):
            taken.left("is ill when a keyword is there, healthmon when it is not")
            return
        expect["body"] = str(row.get("keyword") or "")
    if row["type"] == "json-query":
        path = str(row.get("json_path") or "")
        if not path or not set(path) <= SIMPLE_PATH or str(row.get("json_path_operator") or "==") != "==":
            taken.left(f"asks for {path!r} in JSONata; healthmon knows paths such as 'checks.0.up' and equality")
            return
        expect["json_path"] = {path: _plain(str(row.get("expected_value") or ""))}


def _plain(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str | int | float | bool) or found is None else text


def _headers(row: Row, taken: Taken) -> None:
    headers = json.loads(row.get("headers") or "{}")
    if row.get("basic_auth_user"):
        pair = f"{row['basic_auth_user']}:{row.get('basic_auth_pass') or ''}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if headers and taken.entry:
        taken.entry["headers"] = headers
        taken.notes.append("its headers may hold secrets: ${file:PATH} keeps them out of this file")


def _port(row: Row, taken: Taken) -> None:
    taken.entry |= {"type": "tcp", "url": f"tcp://{_host(row)}:{row.get('port')}"}


def _ping(row: Row, taken: Taken) -> None:
    taken.entry |= {"type": "command", "command": [f"{PLUGINS}/check_ping", "-H", str(row.get("hostname")), "-w", "5000,100%", "-c", "5000,100%", "-p", "1"]}
    taken.notes.append(PACKAGE)


def _dns(row: Row, taken: Taken) -> None:
    words = [f"{PLUGINS}/check_dig", "-H", str(row.get("dns_resolve_server") or "127.0.0.1"), "-p", str(row.get("port") or 53)]
    taken.entry |= {"type": "command", "command": [*words, "-l", str(row.get("hostname")), "-T", str(row.get("dns_resolve_type") or "A")]}
    taken.notes.append(PACKAGE)


def _docker(row: Row, taken: Taken) -> None:
    taken.entry |= {"type": "docker", "container": str(row.get("docker_container") or "")}
    taken.notes.append("is looked for on the Docker Engine of this host")


def _host(row: Row) -> str:
    host = str(row.get("hostname"))
    return f"[{host}]" if ":" in host else host


MAKERS: dict[str, Callable[[Row, Taken], None]] = {
    "http": _http,
    "keyword": _http,
    "json-query": _http,
    "port": _port,
    "ping": _ping,
    "dns": _dns,
    "docker": _docker,
}
