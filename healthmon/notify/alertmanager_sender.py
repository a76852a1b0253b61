"""Prometheus Alertmanager, by version 2 of its API: `POST /api/v2/alerts` takes a list of alerts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from healthmon import __version__
from healthmon.model.delivery import SendResult, SendStatus
from healthmon.notify.http_post import post_and_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from healthmon.notify.alertmanager_batch import Entry

PATH = "/api/v2/alerts"
HEADERS = {"Content-Type": "application/json", "User-Agent": f"healthmon/{__version__}"}


def send(batches: Sequence[Sequence[Entry]], url: str, *, now: datetime, max_ahead: timedelta) -> SendResult:
    """POST all batches. One that is refused keeps no other back: what is not at fault in it was taken."""
    refused: SendResult | None = None
    result = SendResult(status=SendStatus.SENT, detail="nothing to send")
    for batch in batches:
        result, date = post_and_date(endpoint(url), body=json.dumps(batch).encode(), headers=HEADERS, now=now)
        if result.status is SendStatus.REFUSED:
            refused = refused or result
        elif result.status is not SendStatus.SENT:
            return result
        elif date is not None and date - now > max_ahead:
            return _in_its_past((date - now).total_seconds())
    return refused or result


def endpoint(url: str) -> str:
    """Return where to POST to. The URL in the settings is that of its page, with the prefix that it may be served under."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix(PATH)
    return parts._replace(path=path + PATH, fragment="").geturl()


def _in_its_past(ahead_s: float) -> SendResult:
    """Say that its clock is so far ahead of ours that it takes what fires for over. Its answer is no different."""
    detail = f"its clock is {ahead_s:.0f} s ahead of this host's, so it takes alerts for over: set both clocks right"
    return SendResult(status=SendStatus.FAILED, detail=detail)
