"""What does a configuration file hold? Reads it, of bounded size, as JSON or YAML, or says where it is broken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from healthmon.config_source import json_text
from healthmon.config_source.node import Finding, Node, NotReadable, Source, line_starts, problem
from healthmon.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_048_576
UNUSABLE = "must not contain a NUL character or half a surrogate pair (\\u0000, \\ud800): remove it"
_UNUSABLE = re.compile("[\0\ud800-\udfff]")


def read(path: Path) -> Source:
    """Read the file at `path`. Raises ConfigError, located, when its text cannot be read at all."""
    return parse(path, _text(path))


def parse(path: Path, text: str) -> Source:
    """Read a text as if it stood in the file at `path`. Raises ConfigError, located."""
    try:
        root, findings = _reader(path, text)
        _require_object(root, text)
    except NotReadable as error:
        finding = error.finding
        raise ConfigError([problem(str(path), line_starts(text), finding.offset or 0, finding)]) from None
    return Source(str(path), text, root, tuple(findings + unusable_texts(root)))


def _reader(path: Path, text: str) -> tuple[Node, list[Finding]]:
    if path.suffix.lower() not in (".yaml", ".yml"):
        return json_text.read(text)
    from healthmon.config_source import yaml_text  # noqa: PLC0415  most files are JSON: they need not load PyYAML

    return yaml_text.read(text)


def _require_object(root: Node, text: str) -> None:
    if not isinstance(root.value, dict):
        raise NotReadable(min(root.offset, len(text)), "a configuration is an object of keys and values: { … }")


def _text(path: Path) -> str:
    data = _bytes(path)
    if len(data) > MAX_BYTES:
        raise _whole(path, f"is larger than {MAX_BYTES // 1024} KiB: this can hardly be a configuration")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, data, error) from None
    if not text.strip():
        raise _whole(path, "is empty: it must at least name the services to monitor")
    return text


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _whole(path, f"cannot be read: {error.strerror or error}; check its path, owner and mode") from error


def _whole(path: Path, message: str) -> ConfigError:
    return ConfigError([ConfigProblem(file=str(path), line=0, column=0, key="", message=message)])


def _not_utf8(path: Path, data: bytes, error: UnicodeDecodeError) -> ConfigError:
    at = len(data) - len(error.object) + error.start  # the codec forgets the byte order mark
    before = data[:at].decode("utf-8-sig")
    message = f"not UTF-8: byte 0x{data[at]:02X}; save the file as UTF-8"
    return ConfigError([problem(str(path), line_starts(before), len(before), Finding(path=(), message=message))])


def usable(text: str) -> bool:
    """Tell whether file names, headers and the database can take `text`."""
    return _UNUSABLE.search(text) is None


def unusable_texts(node: Node, path: tuple[str | int, ...] = ()) -> list[Finding]:
    """Find every text and key that is not usable."""
    if isinstance(node.value, str) and not usable(node.value):
        return [Finding(path=path, message=UNUSABLE)]
    if isinstance(node.value, dict):
        bad = [Finding(path=(*path, key), message=UNUSABLE, on_key=True) for key in node.value if not usable(key)]
        return bad + [found for key, child in node.value.items() for found in unusable_texts(child, (*path, key))]
    if isinstance(node.value, list):
        return [found for number, child in enumerate(node.value) for found in unusable_texts(child, (*path, number))]
    return []

