"""How is YAML read, so that it means what it looks like?

Only what JSON can say, too: `no` and `12:30` are text, numbers are written as in JSON, a key may stand only once.
Aliases and tags are refused. Read from the parser's events, because its own tree builders recurse without a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from healthmon.config_source.json_text import number
from healthmon.config_source.node import MAX_DEPTH, Finding, Node, NotReadable, Path, Scalar
from healthmon.errors import UsageError
from healthmon.spelling import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


def read(text: str) -> tuple[Node, list[Finding]]:
    """Read a whole file. Raises NotReadable at the first place that is not YAML; tells all duplicate keys."""
    try:
        return _read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"not YAML: {' '.join(filter(None, (error.context, error.problem)))}"
        raise NotReadable(min(mark.index, len(text)) if mark else 0, message) from None
    except yaml.reader.ReaderError as error:
        raise NotReadable(0, f"a character that YAML does not allow: U+{_code(error):04X}") from None


def foreign(text: str) -> object:
    """Return what a YAML file of others' says, such as Compose's, whatever it makes use of. Raises UsageError where it is none."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"it is no YAML: {' '.join(str(error).split())}") from error


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")


def _read(text: str) -> tuple[Node, list[Finding]]:
    reader = _Reader(yaml.parse(text, Loader=_LOADER))
    event = reader.next()
    if isinstance(event, yaml.StreamEndEvent):
        return Node(0, None), []
    root = reader.node(event, ())
    event = reader.next()
    if not isinstance(event, yaml.StreamEndEvent):
        raise NotReadable(_start(event), "a second document begins here: one file holds one configuration")
    return root, reader.findings


class _Reader:
    """Builds nodes from events; recursion is bounded by MAX_DEPTH."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.findings: list[Finding] = []
        self._events = events

    def next(self) -> yaml.Event:
        """Return the next event that says something about values."""
        silent = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
        return next(event for event in self._events if not isinstance(event, silent))

    def node(self, event: yaml.Event, path: Path) -> Node:
        start = _start(event)
        _refuse(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(start, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(start, path)
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101  there is no fourth kind
        return Node(start, _scalar(event))

    def _mapping(self, start: int, path: Path) -> Node:
        members: dict[str, Node] = {}
        keys: dict[str, int] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            at = _start(event)
            _refuse(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                raise NotReadable(at, "a key must be plain text")
            key = event.value
            if key in members:
                self.findings.append(Finding(path=(*path, key), message=f"duplicate key {quoted(key)}: remove one", offset=at))
            members[key], keys[key] = self.node(self.next(), (*path, key)), at
        return Node(start, members, keys)

    def _sequence(self, start: int, path: Path) -> Node:
        items: list[Node] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return Node(start, items)


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _refuse(event: yaml.Event, path: Path) -> None:
    start = _start(event)
    if isinstance(event, yaml.AliasEvent):
        raise NotReadable(start, "aliases (*name) are not supported: write the value out", path)
    if getattr(event, "anchor", None) is not None:
        raise NotReadable(start, "anchors (&name) are not supported: write the value out where it is needed", path)
    if getattr(event, "tag", None) is not None:
        raise NotReadable(start, "tags (!name) are not supported: write the plain value, in quotes where it is text", path)
    if len(path) >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
        raise NotReadable(start, f"nested more than {MAX_DEPTH} deep: no configuration is", path[:1])


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    plain, _ = event.implicit
    if not plain:
        return str(event.value)
    if event.value in _WORDS:
        return _WORDS[event.value]
    value = number(event.value)
    return str(event.value) if value is None else value
