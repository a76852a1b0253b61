"""What do the settings of every topic have in common? Frozen, strict, closed; and the few types that several use."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, StringConstraints

MINUTE_S = 60.0
DAY_S = 86_400.0
DAY_MINUTES = 1_440.0

OUR_PROGRAMS = frozenset({"evaluator", "healer", "notifier", "watchdog", "keeper", "web", "supervisord"})
PROBE_PROGRAM = "probe-"
HEALER_PROGRAM = "healer"

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_UNWRITABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


class Settings(BaseModel):
    """The base of all settings. `hide_input_in_errors`: an error of pydantic's own never carries a secret."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return itself, as for every value that never changes: of a default, pydantic would make a copy for each service."""
        return self


def is_our_program(name: str) -> bool:
    """Tell whether supervisord's program of this name, without its group, is one of healthmon's own."""
    return name in OUR_PROGRAMS or name.startswith(PROBE_PROGRAM)


def split_url(text: str, *, schemes: tuple[str, ...]) -> SplitResult:
    """Take a URL apart. Raises ValueError, without the URL, which may hold a password."""
    if _BLANK.search(text):
        raise ValueError("must not contain spaces or line breaks: write them as %20 and the like")
    example = f"{schemes[0]}://localhost:8080" + ("/health" if schemes[0] == "http" else "")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"is not a URL: check host and port (1 to 65535), as in '{example}'") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}, as in '{example}'")
    if not parts.hostname or port == 0:
        raise ValueError(f"names no host, or port 0: write it as in '{example}'")
    return parts


def without_secrets(url: str) -> str:
    """Return a URL that may be shown: without user and password, and without the values of its query."""
    parts = urlsplit(url)
    query = "…" if parts.query else ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def _http_url(text: str) -> str:
    split_url(text, schemes=("http", "https"))
    return text


def _secret_http_url(secret: SecretStr) -> SecretStr:
    split_url(secret.get_secret_value(), schemes=("https", "http"))
    return secret


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("is no name of a header: only letters, digits and - are allowed, no spaces or line breaks")
    return name


def require_header_value(value: str) -> None:
    """Raise ValueError when `value` cannot be sent as a header: it could smuggle in another one."""
    if _UNWRITABLE.search(value):
        raise ValueError("must not contain line breaks, control characters or characters beyond Latin-1")
    if value != value.strip():
        raise ValueError("must not begin or end with a space")


def _secret_header_value(secret: SecretStr) -> SecretStr:
    require_header_value(secret.get_secret_value())
    return secret


def _not_blank(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("must not be empty")
    return secret


Text = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Secret = Annotated[SecretStr, AfterValidator(_not_blank)]
SecretHttpUrl = Annotated[SecretStr, AfterValidator(_secret_http_url)]
SecretHeaders = dict[HeaderName, Annotated[SecretStr, AfterValidator(_secret_header_value)]]
