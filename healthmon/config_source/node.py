"""What was read, and where does it stand? One tree for JSON and YAML alike."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TypeAlias

from healthmon.errors import ConfigError, ConfigProblem
from healthmon.spelling import quoted

MAX_DEPTH = 32
MAX_PROBLEMS = 100

Scalar: TypeAlias = str | int | float | bool | None
Plain: TypeAlias = Scalar | dict[str, "Plain"] | tuple["Plain", ...]
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the offset of its first character. `keys` holds the offset of each key of an object."""

    offset: int
    value: Scalar | dict[str, Node] | list[Node]
    keys: dict[str, int] = field(default_factory=dict)

    def plain(self) -> Plain:
        """Return the value alone. Lists become tuples: what is loaded is never changed."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return tuple(node.plain() for node in self.value)
        return self.value

    def child(self, step: str | int) -> Node | None:
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with the value at `path`, or with its key. `offset` overrules where the path leads."""

    path: Path
    message: str
    on_key: bool = False
    offset: int | None = None


class NotReadable(Exception):  # noqa: N818  it never leaves this package: `read` turns it into a ConfigError
    """The text breaks off being JSON or YAML at `offset`."""

    def __init__(self, offset: int, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.finding = Finding(path=path, message=message, offset=offset)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its name, its text, its values, and what was wrong with it already while reading."""

    file: str
    text: str
    root: Node
    findings: tuple[Finding, ...] = ()

    def at(self, path: Path) -> Node | None:
        """Return what stands at `path`."""
        node: Node | None = self.root
        for step in path:
            node = node.child(step) if node else None
        return node

    def error(self, findings: list[Finding]) -> ConfigError:
        """Return the error that tells all findings, in the order of the file."""
        placed = sorted(((self._offset(finding), finding) for finding in findings), key=lambda pair: pair[0])
        lines = line_starts(self.text)
        problems = [problem(self.file, lines, offset, finding) for offset, finding in placed[:MAX_PROBLEMS]]
        if len(placed) > MAX_PROBLEMS:
            rest = f"{len(placed) - MAX_PROBLEMS} more problems are not shown: mend these first"
            problems.append(ConfigProblem(file=self.file, line=0, column=0, key="", message=rest))
        return ConfigError(problems)

    def _offset(self, finding: Finding) -> int:
        """Find the place of a finding; what is not there is looked for in the nearest thing around it."""
        if finding.offset is not None:
            return finding.offset
        node, place = self.root, self.root.offset
        for number, step in enumerate(finding.path, start=1):
            child = node.child(step)
            if child is None:
                return place
            on_key = finding.on_key and number == len(finding.path)
            node, place = child, node.keys.get(str(step), child.offset) if on_key else child.offset
        return place


def problem(file: str, lines: list[int], offset: int, finding: Finding) -> ConfigProblem:
    line = bisect_right(lines, offset)
    return ConfigProblem(
        file=file,
        line=line,
        column=offset - lines[line - 1] + 1,
        key=key_text(finding.path),
        message=finding.message,
    )


def line_starts(text: str) -> list[int]:
    """Return the offset at which each line begins."""
    starts = [0]
    while (end := text.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return starts


def key_text(path: Path) -> str:
    """Write a path as a person would: `services[3].timeout_seconds`."""
    words = [f"[{step}]" if isinstance(step, int) else _step(step) for step in path]
    return "".join(words).removeprefix(".")


def _step(key: str) -> str:
    plain = key.replace("-", "_").replace("$", "_").isidentifier() and key.isascii()
    return f".{key}" if plain and len(key) <= 64 else f"[{quoted(key)}]"  # noqa: PLR2004
