"""What are Gatus's endpoints as services? Pure: from its YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from healthmon.cli.init_kuma import PACKAGE, PLUGINS
from healthmon.cli.init_taken import Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    Block = Mapping[str, Any]

DEFAULT_INTERVAL_S = 60.0
DEFAULT_TIMEOUT_S = 10.0
PLUGIN_FOR: dict[str, Callable[[SplitResult], list[str]]] = {
    "icmp": lambda url: [f"{PLUGINS}/check_ping", "-H", url.hostname or "", "-w", "5000,100%", "-c", "5000,100%", "-p", "1"],
    "ssh": lambda url: [f"{PLUGINS}/check_ssh", "-p", str(url.port or 22), url.hostname or ""],
}
_CONDITION = re.compile(r"\s*\[(\w+)\](?:\.?(\S+?))?\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_PATTERN = re.compile(r"pat\(\*([^*]+)\*\)")
_EACH = re.compile(r"any\((.*)\)")


def of_endpoints(document: object) -> list[Taken]:
    """Return each endpoint, in its order; what comes from outside, `external-endpoints`, too."""
    found = document if isinstance(document, dict) else {}
    outside = [Taken(name=str(one.get("name"))).left("is told from outside: healthmon looks for itself") for one in found.get("external-endpoints") or () if isinstance(one, dict)]
    return [*(_of(one) for one in found.get("endpoints") or found.get("services") or () if isinstance(one, dict)), *outside]


def _of(block: Block) -> Taken:
    taken = Taken(name=str(block.get("name")))
    url, client = str(block.get("url") or ""), block.get("client") or {}
    interval_s = _seconds(block.get("interval"), DEFAULT_INTERVAL_S)
    taken.entry |= {"interval_seconds": interval_s, "timeout_seconds": min(interval_s, _seconds(client.get("timeout"), DEFAULT_TIMEOUT_S)), "confirmations": 0}
    if block.get("group"):
        taken.entry["group"] = str(block["group"])
    if block.get("enabled") is False:
        taken.entry["enabled"] = False
    if block.get("dns"):
        return _dns(block, taken, url)
    scheme = urlsplit(url).scheme
    if scheme in {"http", "https"}:
        return _http(block, taken, url, client)
    if scheme in {"tcp", "tls"}:
        taken.entry |= {"type": scheme, "url": url}
        return _judged(block, taken, {})
    if scheme in PLUGIN_FOR:
        taken.entry |= {"type": "command", "command": PLUGIN_FOR[scheme](urlsplit(url))}
        taken.notes.append(PACKAGE)
        return _judged(block, taken, {})
    return taken.left(f"is asked by {scheme or 'no scheme'}, which healthmon has no equal of")


def _dns(block: Block, taken: Taken, url: str) -> Taken:
    asked = block["dns"]
    command = [f"{PLUGINS}/check_dig", "-H", url.rpartition("//")[2].partition(":")[0], "-l", str(asked.get("query-name")), "-T", str(asked.get("query-type") or "A")]
    taken.entry |= {"type": "command", "command": command}
    taken.notes.append(PACKAGE)
    return _judged(block, taken, {})


def _http(block: Block, taken: Taken, url: str, client: Block) -> Taken:
    method = str(block.get("method") or "GET").upper()
    if method not in {"GET", "HEAD"} or block.get("body"):
        return taken.left(f"asks with {method}{' and a body' if block.get('body') else ''}, healthmon only with GET")
    taken.entry["url"] = url
    if client.get("insecure"):
        taken.entry["tls"] = {"verify": False}
    if block.get("headers"):
        taken.entry["headers"] = {str(name): str(value) for name, value in block["headers"].items()}
        taken.notes.append("its headers may hold secrets: ${file:PATH} keeps them out of this file")
    return _judged(block, taken, {})


def _judged(block: Block, taken: Taken, expect: dict[str, Any]) -> Taken:
    """Take over its conditions; say of each that has no equal here that it has none."""
    for text in block.get("conditions") or ():
        found = _CONDITION.fullmatch(str(text))
        if found is None or not _condition(found[1], found[2] or "", found[3], found[4], expect, taken):
            taken.notes.append(f"its condition {text} is not taken over")
    if expect:
        taken.entry["expect"] = expect
    return taken


def _condition(what: str, path: str, sign: str, value: str, expect: dict[str, Any], taken: Taken) -> bool:  # noqa: PLR0913, PLR0917  the parts of a condition
    match what, sign:
        case "STATUS", "==":
            several = _EACH.fullmatch(value)
            expect["status"] = [code.strip() for code in several[1].split(",")] if several else [value]
        case "STATUS", "<" if value == "300":
            pass  # what healthmon asks for anyway
        case "CONNECTED", "==" if value == "true":
            pass
        case "BODY", "==" if path and re.fullmatch(r"[\w.-]+", path):
            expect.setdefault("json_path", {})[path] = _value(value)
        case "BODY", "==" if not path and _PATTERN.fullmatch(value):
            expect["body"] = value[5:-2]
        case "RESPONSE_TIME", "<" | "<=" if value.isdecimal():
            taken.entry["expected_response_time"] = int(value) / 1_000
            taken.notes.append(f"an answer that takes longer than {value} ms is slow now, not ill: the rule high_response_time tells")
        case "CERTIFICATE_EXPIRATION", ">" | ">=":
            taken.notes.append(f"that its certificate is to be good for {value} is for a rule: cert_expires_days < {max(1, round(_seconds(value, 0) / 86_400))}")
        case _:
            return False
    return True


def _value(text: str) -> object:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _seconds(text: object, otherwise: float) -> float:
    found = _DURATION.fullmatch(str(text or ""))
    if found is None or not any(found.groups()):
        return otherwise
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in found.groups())
    return 3_600 * hours + 60 * minutes + seconds + milliseconds / 1_000
