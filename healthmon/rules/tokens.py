"""Which words, numbers, texts and signs is a condition written with?"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum, auto

from healthmon.rules.problems import ConditionError, Problem
from healthmon.rules.tree import Span
from healthmon.spelling import quoted

MAX_CHARS = 512
WORDS = frozenset({"and", "or", "not", "true", "false"})

# What other languages write, and what is written here.
_FOREIGN = {
    "===": "write ==",
    "!==": "write !=",
    "=>": "write >=",
    "=<": "write <=",
    "<>": "write !=",
    "&&": "write and",
    "||": "write or",
    "**": "there are no powers: multiply",
    "//": "write /",
    "=": "write == to compare",
    "!": "write not",
    "&": "write and",
    "|": "write or",
    "^": "there are no powers: multiply",
    "%": "write a percentage as its number: 95",
    "\N{NOT EQUAL TO}": "write !=",
    "\N{GREATER-THAN OR EQUAL TO}": "write >=",
    "\N{LESS-THAN OR EQUAL TO}": "write <=",
    "\N{MULTIPLICATION SIGN}": "write *",
    "\N{DIVISION SIGN}": "write /",
    "\N{MINUS SIGN}": "write -",
    "\N{EN DASH}": "write -",
}
_STRANGE = {
    "[": "there is no indexing",
    ".": "a name has no parts",
    ",": "numbers are written as 1000 or 2.5, and there are no lists",
    "$": "there are no references",
    **dict.fromkeys("\u2018\u2019\u201c\u201d\u00b4`", "texts stand in plain quotes: 'unhealthy'"),
}

_BLANK = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(
    rf"""(?P<NUMBER>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
       | (?P<NAME>[^\W\d]\w*)
       | (?P<TEXT>'[^']*'|"[^"]*")
       | (?P<PAIR>==(?!=)|!=(?!=)|<=|>=)
       | (?P<FOREIGN>{"|".join(map(re.escape, _FOREIGN))})
       | (?P<SIGN>[-<>+*/()])""",
    re.VERBOSE,
)
_GLUED = re.compile(r"[\w.]+")


class Mark(Enum):
    """What a token is."""

    NUMBER = auto()
    TEXT = auto()
    NAME = auto()
    WORD = auto()  # and, or, not, true, false, in any case
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what was written, for a word in small letters, for a text without its quotes."""

    mark: Mark
    text: str
    span: Span


def fail(at: int, message: str) -> ConditionError:
    """Return the error that tells one problem at an offset."""
    return ConditionError(Problem(at + 1, message))


def tokens(condition: str) -> list[Token]:
    """Take a condition apart; the last token is END. Raises ConditionError where something does not belong."""
    if len(condition) > MAX_CHARS:
        raise fail(MAX_CHARS, f"longer than {MAX_CHARS} characters: split it into two rules")
    found: list[Token] = []
    at = _after_blank(condition, 0)
    while at < len(condition):
        found.append(_token(condition, at))
        at = _after_blank(condition, found[-1].span.end)
    return [*found, Token(Mark.END, "", Span(at, at))]


def number(token: Token) -> float:
    """Return what a NUMBER means. Raises ConditionError when it is too large."""
    value = float(token.text)
    if not math.isfinite(value):
        raise fail(token.span.start, f"{quoted(token.text)} is too large for a number: the largest is about 1.8e308")
    return value


def _after_blank(condition: str, at: int) -> int:
    blank = _BLANK.match(condition, at)
    return blank.end() if blank else at


def _token(condition: str, at: int) -> Token:
    found = _TOKEN.match(condition, at)
    if found is None:
        raise fail(at, _stranger(condition[at]))
    text, span, mark = found[0], Span(*found.span()), found.lastgroup
    match mark:
        case "NUMBER":
            _require_plain(condition, span)
            return Token(Mark.NUMBER, text, span)
        case "TEXT":
            return Token(Mark.TEXT, _printable(text[1:-1], at), span)
        case "NAME":
            word = text.lower()
            return Token(Mark.WORD, word, span) if word in WORDS else Token(Mark.NAME, text, span)
        case "PAIR" | "SIGN":
            return Token(Mark.SIGN, text, span)
    raise fail(at, f"{quoted(text)} does not belong in a condition: {_FOREIGN[text]}")


def _require_plain(condition: str, span: Span) -> None:
    """Refuse `5s`, `1_000`, `0x10` and `1.2.3`."""
    if glued := _GLUED.match(condition, span.end):
        written = condition[span.start : glued.end()]
        raise fail(span.start, f"{quoted(written)} is not a number: write it with digits alone, without a unit (times are in seconds)")


def _printable(text: str, at: int) -> str:
    for number, character in enumerate(text, start=at + 1):
        if not character.isprintable():
            raise fail(number, f"U+{ord(character):04X} inside a text: only printable characters belong there")
    return text


def _stranger(character: str) -> str:
    if character in "'\"":
        return f"this text is never closed: its second {character} is missing"
    shown = quoted(character) if character.isprintable() else f"U+{ord(character):04X}"
    advice = _STRANGE.get(character)
    return f"{shown} does not belong in a condition" + (f": {advice}" if advice else "")
