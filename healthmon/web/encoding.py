"""How does an answer become bytes, and by which ETag is it known? Services that are as they were are not written anew."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from healthmon.answers.report import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.answers.report import Known

ASKED_AT = "timestamp"  # of an answer as a whole
SERVICES = "services"


def tagged(document: Mapping[str, object], known: Known | None) -> tuple[bytes, str]:
    """Return an answer, and its ETag: a weak one, which does not change by when it was asked for.

    `known` is None where its services are not those of the report.
    """
    asked_at = document.get(ASKED_AT)
    parts = [f"{json.dumps(name)}: {_text(name, value, known)}" for name, value in document.items() if name != ASKED_AT]
    lasting = f"{{{', '.join(parts)}}}".encode()
    body = lasting if asked_at is None else b'{"%s": %s, %s' % (ASKED_AT.encode(), json.dumps(asked_at).encode(), lasting[1:])
    return body, f'W/"{hashlib.blake2s(lasting, digest_size=12).hexdigest()}"'


def _text(name: str, value: object, known: Known | None) -> str:
    if known is not None and name == SERVICES and isinstance(value, list):
        return f"[{', '.join(as_text(one, known) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)
