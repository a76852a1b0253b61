"""`healthmon validate` says where the routes of a configuration leave a gap, and the README's example is right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from healthmon import config

README = Path(__file__).parents[2] / "README.md"
CHANNELS = {
    "email_notifications": {"enabled": True, "smtp_server": "a", "from_email": "a@b", "to_email": "c@d"},
    "slack_notifications": {"enabled": True, "webhook_url": "https://a/b"},
    "apprise": ["json://a"],
}
SERVICES = [{"name": "doc_store", "url": "http://localhost:1"}]


def written(path: Path, alerting: dict[str, Any]) -> Path:
    file = path / "c.json"
    file.write_text(json.dumps({"services": SERVICES, "data_dir": str(path), "alerting": CHANNELS | alerting}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("routes", "warned"),
    [
        ([], False),
        ([{"channels": ["slack"], "severities": ["critical"]}], True),
        ([{"channels": ["slack"], "severities": ["critical"]}, {"channels": ["email"]}], False),
    ],
)
def test_a_gap_in_the_routes_is_said(tmp_path: Path, routes: list[dict[str, Any]], warned: bool) -> None:  # noqa: FBT001  a row of a table
    file = written(tmp_path, {"routes": routes})
    said = subprocess.run([sys.executable, "-P", "-m", "healthmon", "validate", str(file)], capture_output=True, text=True, check=True, timeout=60)
    assert ("what none of them takes goes to all channels" in said.stdout) is warned


def test_the_example_of_the_readme_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCALL_URL", "json://localhost")
    [example] = [text for text in re.findall(r"```json\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL) if '"escalation"' in text]
    alerting = config.load(written(tmp_path, json.loads(example)["alerting"])).alerting
    assert (len(alerting.routes), len(alerting.escalation), len(alerting.maintenance)) == (3, 1, 2)
