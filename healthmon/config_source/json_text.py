"""How is JSON read, with comments, trailing commas, and the place of every value?

A reader of our own, because the standard library's forgets where things stand, lets the last of two equal keys win,
and calls a comment an error. Nesting is bounded, so that no file can exhaust the stack.
"""

from __future__ import annotations

import json
import math
import re

from healthmon.config_source.node import MAX_DEPTH, Finding, Node, NotReadable, Path
from healthmon.spelling import quoted

# Nothing stands behind the loop, so nothing is ever tried again; possessive quantifiers, which would say so, are broken
# in the Python 3.11.2 of Debian 12.
_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9A-Za-z_.])")
_WORD = re.compile(r"[+-]?[A-Za-z_$.][\w$.]*|[+-]?[0-9][\w.+-]*")
_DECODER = json.JSONDecoder()  # for the escapes of texts; the rest is ours
_MAX_DIGITS = 40
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_MEANT = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false", "none": "null"}


def read(text: str) -> tuple[Node, list[Finding]]:
    """Read a whole file. Raises NotReadable at the first place that is not JSON; tells all duplicate keys."""
    reader = _Reader(text)
    root = reader.value(reader.skip(0), ())
    end = reader.skip(reader.end)
    if end < len(text):
        raise NotReadable(end, "the file should end here: something stands after its last closing bracket")
    return root, reader.findings


def number(text: str) -> int | float | None:
    """Return the number that JSON writes as `text`; None when it is none, or none that a computer can hold."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > _MAX_DIGITS:
        return None
    value = float(text) if found[1] or found[2] else int(text)
    return value if math.isfinite(value) else None


class _Reader:
    """Walks over the text once. `end` is the offset after the value that was read last."""

    def __init__(self, text: str) -> None:
        self.end = 0
        self.findings: list[Finding] = []
        self._text = text

    def skip(self, offset: int) -> int:
        """Return the offset of the next character that is neither blank nor comment."""
        found = _BLANK.match(self._text, offset)
        assert found is not None  # noqa: S101  it matches the empty text
        if self._text.startswith("/*", found.end()):
            raise NotReadable(found.end(), "this comment is never closed: '*/' is missing")
        return found.end()

    def value(self, start: int, path: Path) -> Node:
        mark = self._text[start : start + 1]
        if mark in ("{", "[") and len(path) >= MAX_DEPTH:
            raise NotReadable(start, f"nested more than {MAX_DEPTH} deep: no configuration is", path[:1])
        if mark == "{":
            return self._object(start, path)
        if mark == "[":
            return self._array(start, path)
        if mark == '"':
            return Node(start, self._string(start, path))
        return Node(start, self._word(start, path))

    def _object(self, start: int, path: Path) -> Node:
        members: dict[str, Node] = {}
        keys: dict[str, int] = {}
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "}":
            key = self._key(at, start, path)
            colon = self.skip(self.end)
            if self._text[colon : colon + 1] != ":":
                raise NotReadable(colon, f"expected ':' after the key {quoted(key)}")
            node = self.value(self.skip(colon + 1), (*path, key))
            if key in members:
                self.findings.append(Finding(path=(*path, key), message=f"duplicate key {quoted(key)}: remove one", offset=at))
            members[key], keys[key] = node, at
            at = self._after_item(start, "}")
        self.end = at + 1
        return Node(start, members, keys)

    def _array(self, start: int, path: Path) -> Node:
        items: list[Node] = []
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "]":
            items.append(self.value(at, (*path, len(items))))
            at = self._after_item(start, "]")
        self.end = at + 1
        return Node(start, items)

    def _after_item(self, start: int, closing: str) -> int:
        """Step over the comma behind an item; return the offset of the next item or of the closing bracket."""
        at = self.skip(self.end)
        mark = self._text[at : at + 1]
        if mark == ",":
            return self.skip(at + 1)
        if not mark:
            raise self._unclosed(start, closing)
        if mark != closing:
            raise NotReadable(self.end, f"expected ',' or '{closing}' after this")
        return at

    def _unclosed(self, start: int, closing: str) -> NotReadable:
        return NotReadable(start, f"never closed: the file ends before its '{closing}'")

    def _key(self, at: int, start: int, path: Path) -> str:
        mark = self._text[at : at + 1]
        if not mark:
            raise self._unclosed(start, "}")
        if mark != '"':
            raise NotReadable(at, f"expected a key in double quotes, or '}}', not {_shown(mark)}")
        return self._string(at, path)

    def _string(self, start: int, path: Path) -> str:
        try:
            text, self.end = _DECODER.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            raise NotReadable(*_string_error(start, error), path) from None
        return str(text)

    def _word(self, start: int, path: Path) -> bool | int | float | None:
        found = _WORD.match(self._text, start)
        word = found[0] if found else self._text[start : start + 1]
        self.end = start + len(word)
        if word in _WORDS:
            return _WORDS[word]
        value = number(word)
        if value is None:
            raise NotReadable(start, _no_value(word), path)
        return value


def _string_error(start: int, error: json.JSONDecodeError) -> tuple[int, str]:
    if error.msg.startswith("Unterminated"):
        return start, "this text is never closed: its second '\"' is missing"
    if error.msg.startswith("Invalid control"):
        return error.pos, "a line break or control character inside a text: close it with '\"', or write \\n"
    return error.pos, "unknown \\ in a text: write \\\\ for a backslash itself"


def _no_value(word: str) -> str:
    if not word:
        return "expected a value, but the file ends"
    if word.lstrip("+-").lower() in ("nan", "infinity", "inf"):
        return f"{word} is not a number that can be used here"
    if word[0] in "+-.0123456789":
        return "not a number as JSON writes it (30, 0.5, -1), or too large; text goes in double quotes"
    meant = _MEANT.get(word.lower())
    return f"expected a value, not {_shown(word)}" + (f": write {meant}" if meant else "")


def _shown(word: str) -> str:
    """Show what stands in the way, but only its first character: it may be a secret whose quotes are missing."""
    if word == "'":
        return "a single quote: JSON writes text in double quotes"
    if word in ("\u201c", "\u201d", "\u201e"):
        return 'a curly quote: JSON writes text in plain double quotes (")'
    if word.lower() in _MEANT:
        return quoted(word)
    if len(word) > 1 or word.isalpha():
        return "bare text: put it in double quotes"
    return f"U+{ord(word):04X}" if not word.isascii() or not word.isprintable() else quoted(word)
