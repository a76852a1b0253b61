"""How does the server know its own word again? What it hands out carries a signature, so it need not remember any of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Purpose(StrEnum):
    """What a signed word is good for. One of a purpose is worth nothing for another."""

    LOGIN = "login"  # a link that `healthmon web login` printed: good once
    SESSION = "session"  # what a page keeps, to write with
    READING = "reading"  # a cookie, with which pages are read from another host


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """`nonce` makes each one of a kind."""

    author: str
    issued_at: datetime
    expires_at: datetime
    nonce: str


def sign(secret: bytes, purpose: Purpose, word: Word) -> str:
    """Return a word as text that is safe in a URL, a header and a cookie."""
    fields = [word.author, word.issued_at.timestamp(), word.expires_at.timestamp(), word.nonce]
    content = _packed(json.dumps(fields).encode())
    return f"{content}.{_packed(_signature(secret, purpose, content))}"


def read(secret: bytes, purpose: Purpose, text: str, *, now: datetime) -> Word | None:
    """Return the word that `sign` made; None for any other text, or when its time is over."""
    content, _, signature = text.partition(".")
    try:
        if not hmac.compare_digest(_unpacked(signature), _signature(secret, purpose, content)):
            return None
        author, issued, expires, nonce = json.loads(_unpacked(content))
    except (ValueError, binascii.Error):
        return None
    word = Word(
        author=author, issued_at=datetime.fromtimestamp(issued, UTC), expires_at=datetime.fromtimestamp(expires, UTC), nonce=nonce
    )
    return word if now < word.expires_at else None


def _signature(secret: bytes, purpose: Purpose, content: str) -> bytes:
    return hmac.new(secret, f"healthmon/{purpose.value}/{content}".encode(), hashlib.sha256).digest()


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
