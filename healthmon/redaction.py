"""What must never be shown? What a `${…}` of the configuration stood for: a server may send it back, an error may quote it."""

from __future__ import annotations

MIN_CHARS = 4  # what is shorter would black out words that are no secret
MASK = "•••"

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
