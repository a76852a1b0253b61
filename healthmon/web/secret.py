"""Which secret lets a person write? `web.token`, or one that is made at the first start and readable by the agent's user alone."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from healthmon.errors import UsageError

if TYPE_CHECKING:
    from healthmon.config import Config

MIN_CHARS = 20  # of what we make ourselves


def load(config: Config) -> bytes:
    """Return the secret, making one where there is none. Raises UsageError when the file cannot be used."""
    token = config.web.token
    if token is not None:
        return token.get_secret_value().encode()
    path = config.paths.web_token
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            found = path.read_text(encoding="ascii").strip()
        else:
            found = secrets.token_urlsafe()
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{found}\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot use {path}, which holds the token of the page: {error}; remove it, or set web.token") from error
    if len(found) < MIN_CHARS:
        raise UsageError(f"{path} holds no token of ours: remove it, and healthmon makes another")
    return found.encode()
