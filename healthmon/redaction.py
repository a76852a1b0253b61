"""What must never be shown? What a `${…}` of the configuration stood for: a server may send it back, an error may quote it.

What looks like somebody else's secret, in a container's log or on its processes' command lines, is guessed.
"""

from __future__ import annotations

import re

MIN_CHARS = 4  # what is shorter would black out words that are no secret
MASK = "•••"
_WORDS = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key)"
_NAMED = re.compile(rf"({_WORDS}[\"']?\s*[=:]\s*[\"']?)([^\s\"',;&]{{4,}})", re.IGNORECASE)
_OPTION = re.compile(rf"((?<![\w-])--?[\w-]{{0,40}}{_WORDS}\s+)(\S{{4,}})", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s/@]+(?=@)")
_BEARER = re.compile(r"(\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE)

_hidden: set[str] = set()


def hide(secret: str) -> None:
    """Never show this text from now on."""
    if len(secret) >= MIN_CHARS:
        _hidden.add(secret)


def redact(text: str) -> str:
    """Return the text with every secret in it masked, the longest first."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def mask_guesses(text: str) -> str:
    """Return the text with what looks like a secret of others masked. It finds the usual shapes, not every one."""
    text = _IN_URL.sub(rf"\1{MASK}", text)
    for shape in (_BEARER, _NAMED, _OPTION):
        text = shape.sub(rf"\1{MASK}", text)
    return text
