"""Is the OpenAPI document true? schemathesis asks everything that it allows, and much that it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.store import alerts, checks, incidents
from healthmon.web import secret
from healthmon.web.api import ENDPOINTS
from healthmon.web.endpoints import PREFIX
from healthmon.web.writing import DEEDS
from tests.builders import a_check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.sites import Site


def test_every_route_of_the_api_is_in_the_document(site: Site) -> None:
    told = site.ask(f"{PREFIX}/openapi.json").json()
    paths = {endpoint.path for endpoint in ENDPOINTS} | {deed.path for deed in DEEDS} | {"/events", "/session", "/openapi.json", "/http_sd"}
    assert set(told["paths"]) == paths
    assert told["info"]["title"] == "healthmon"


def test_an_answer_that_is_known_is_not_sent_again(site: Site) -> None:
    for path in ("/api/v1/report", "/api/v1/alerts"):
        first = site.ask(path)
        again = site.ask(path, If_None_Match=f'"other", {first.headers["etag"]}')
        assert (again.status, again.body) == (304, b"")
    checks.append(site.database, [a_check(at=clock.now())])
    history = site.ask("/api/v1/services/doc_store/history")
    checks.append(site.database, [a_check(at=clock.now())])
    assert site.ask("/api/v1/services/doc_store/history", If_None_Match=history.headers["etag"]).status == 200


@pytest.mark.timeout(180)
def test_the_api_keeps_what_its_document_promises(site: Site, tmp_path: Path) -> None:
    """Each way to fill in a request that the document allows, and many that it does not: coverage first, then chance."""
    fill(site)
    told = site.ask(f"{PREFIX}/openapi.json").json()
    for operations in told["paths"].values():
        for parameter in [one for operation in operations.values() for one in operation.get("parameters", []) if one["name"] == "name"]:
            parameter["schema"]["enum"] = ["doc_store", "frontend"]
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(told), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", f"http://127.0.0.1:{site.port}{PREFIX}"),
        *("--header", f"Authorization: Bearer {secret.load(site.config).decode()}"),
        *("--exclude-path", "/events"),  # it never ends
        *("--checks", "all", "--phases", "coverage,fuzzing", "--max-examples", "3", "--generation-deterministic", "--workers", "1"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, "\n".join(line[:300] for line in done.stdout.splitlines())


def fill(site: Site) -> None:
    """Have something of everything."""
    now = clock.now()
    checks.append(site.database, [a_check(at=now, error_message="<b>ä</b>")])
    facts: dict[str, Any] = {"started_at": now, "detected_at": now, "episode_started_at": now, "reason": CheckReason.STATUS, "error_message": "\u2028"}
    incidents.open_incident(site.database, 1, **facts)
    alerts.add(site.database, Alert(service_id=None, alert_type="a", severity=AlertSeverity.INFO, message="", triggered_at=now))
