"""healthmon whose HTTP probe is plain `requests`, as one would write it at first: what the rows on probes must catch.

Run as `python -m tests.faults.planted_probes`. The timeout of requests holds for each read, not for all of them.
Nothing in the product knows of this file.
"""

from __future__ import annotations

import requests

from healthmon.cli.main import main
from healthmon.model.check import CheckReason, Outcome
from healthmon.probes.http import HttpProbe


def _ask(self: HttpProbe) -> Outcome:
    try:
        response = requests.get(str(self._request.url), timeout=(self._timeout_s, self._timeout_s))
    except requests.RequestException as error:
        return Outcome(reason=CheckReason.TIMEOUT, error_message=str(error))
    return Outcome(reason=CheckReason.OK, status_code=response.status_code, error_message=response.text[:500] or None)


HttpProbe.ask = _ask  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
