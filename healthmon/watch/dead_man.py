"""How does somebody outside learn that we are gone? We ask a URL of theirs while all is well; they miss it when not.

`requests` knows no time limit for the whole of a call, so whoever calls this has to end it from outside.
"""

from __future__ import annotations

from http import HTTPStatus

import requests

from healthmon import __version__

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0


def ping(url: str) -> str:
    """Ask `url` once; return why that failed, or an empty text. The text never holds the URL, which is a secret."""
    try:
        with requests.get(
            url,
            headers={"User-Agent": f"healthmon/{__version__}", "Connection": "close"},
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,  # what the body says matters to nobody
        ) as answer:
            good = HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES
            return "" if good else f"it answered {answer.status_code}"
    except requests.RequestException as error:
        return f"no answer ({type(error).__name__})"
