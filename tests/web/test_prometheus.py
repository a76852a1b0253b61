"""Does a real Prometheus, with the rules and the Grafana dashboard that we ship, find what it asks for?"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.demo.ecosystem import free_ports
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.model.process import ProcessSample
from healthmon.store import incidents, process_samples
from tests.builders import a_check
from tests.needs import program
from tests.web.sites import SERVICES, Site
from tests.web.test_metrics import count, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]
RULES = TOP / "config" / "prometheus-rules.yml"
DASHBOARD = TOP / "config" / "grafana" / "healthmon.json"
DOCUMENT = TOP / "docs" / "prometheus.md"
RULES_TEST = Path(__file__).with_name("prometheus_rules_test.yml")
SCRAPES = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [{rules}]
scrape_configs:
  - job_name: healthmon
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
  - job_name: probes
    metrics_path: /probe
    http_sd_configs: [{{ url: "http://127.0.0.1:{port}/api/v1/http_sd" }}]
    relabel_configs:
      - {{ source_labels: [__address__], target_label: __param_target }}
      - {{ source_labels: [__param_target], target_label: instance }}
      - {{ source_labels: [__meta_healthmon_group], target_label: group }}
      - {{ target_label: __address__, replacement: "127.0.0.1:{port}" }}
"""


def test_the_rules_are_sound_and_fire_when_they_should(tmp_path: Path) -> None:
    promtool = program("promtool", package="prometheus")
    for file in (RULES, RULES_TEST):
        shutil.copy(file, tmp_path)
    for words in (("check", "rules", RULES.name), ("test", "rules", RULES_TEST.name)):
        done = subprocess.run([promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_made_to_fire() -> None:
    """A rule of which `promtool test rules` has no case that fires is one that nobody tried."""
    known = set(re.findall(r"^ +- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE))
    fired = set(re.findall(r"^ +alertname: (\w+)\n +exp_alerts:", RULES_TEST.read_text(encoding="utf-8"), re.MULTILINE))
    assert known == fired


@pytest.fixture
def slow_site(tmp_path: Path) -> Iterator[Site]:
    """Services that are looked at so rarely that what is known of them stays true for the length of a test."""
    services = tuple({**one, "interval_seconds": 600, "expected_response_time": 2.0} for one in SERVICES)
    made = Site(directory=tmp_path, services=services, settings={"alerting": {"apprise": ["json://127.0.0.1:1"]}})
    sample = ProcessSample(program="web", pid=1, sampled_at=clock.now(), rss_bytes=1, pss_bytes=1, uss_bytes=1, cpu_s=1, threads=1, open_files=1)
    process_samples.append(made.database, [sample])
    made.web.step()
    yield made
    made.close()


def test_a_prometheus_scrapes_us_and_knows_all_that_rules_and_dashboard_ask_for(slow_site: Site, tmp_path: Path) -> None:
    site = slow_site
    fill(site)
    exposed = set(re.findall(r"^# TYPE (\w+)", site.ask("/metrics").text, re.MULTILINE))
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    shown = [(panel["title"], target["expr"], target.get("legendFormat", "")) for panel in dashboard["panels"] for target in panel["targets"]]
    shown += [(one["name"], one["expr"], one["titleFormat"]) for one in dashboard["annotations"]["list"]]
    asked = [expression for _, expression, _ in shown]
    with prometheus(tmp_path, site) as ask:
        wait_for(lambda: ask('up{job="healthmon"} == 1') and ask('probe_success{instance="doc_store"}'))
        wait_for(lambda: ask('probe_success{instance="doc_store", group="default"}') == [0.0])
        wait_for(lambda: ask('up{instance="frontend"} == 0'))  # of what nothing is known, a probe fails
        wait_for(lambda: ask('healthmon_service_state{name="doc_store", state="unhealthy"}') == [1.0])
        wait_for(lambda: ask('ALERTS{alertname="ServiceUnhealthy", name="doc_store"}'))
        fall_ill_again(site)  # what panels show as changes has to change between two scrapes
        for title, expression, legend in shown:
            wait_for(lambda expression=expression: ask.series(filled(expression)), title)
            labels = set(re.findall(r"\{\{(\w+)\}\}", legend))
            assert all(labels <= one["metric"].keys() for one in ask.series(filled(expression))), (title, legend)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert match is not None, variable
                series, label = match.groups()
                assert ask.labels(filled(series), label), variable["name"]
    named = set(re.findall(r"\bhealthmon_\w+", " ".join([*asked, RULES.read_text(encoding="utf-8")])))
    named = {re.sub(r"_bucket$", "", name) for name in named}
    assert named <= exposed
    documented = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert exposed <= set(documented)


def fall_ill_again(site: Site) -> None:
    count(site, a_check(CheckReason.STATUS, response_time_s=3.0), a_check(response_time_s=0.01))
    [incident] = incidents.open_incidents(site.database)
    now = clock.now()
    incidents.resolve(site.database, incident.incident_id, at=now, resolution=IncidentResolution.RECOVERED)
    about: dict[str, Any] = {"started_at": now, "detected_at": now, "episode_started_at": now, "error_message": ""}
    incidents.open_incident(site.database, incident.service_id, reason=CheckReason.STATUS, **about)


def filled(expression: str) -> str:
    """Return an expression of the dashboard as Grafana sends it."""
    return expression.replace("$instance", ".*").replace("$name", ".*").replace("$__rate_interval", "1m")


@contextmanager
def prometheus(directory: Path, site: Site) -> Iterator[Asking]:
    """Run a Prometheus that scrapes a site; give what asks it."""
    [port] = free_ports(1)
    config = directory / "prometheus.yml"
    config.write_text(SCRAPES.format(port=site.port, rules=RULES), encoding="utf-8")
    command = [
        program("prometheus", package="prometheus"),
        *(f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory)

    try:
        wait_for(lambda: listens(port))
        yield Asking(port)
    finally:
        process.terminate()
        process.wait(20)


class Asking:
    """Asks a Prometheus as Grafana does."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, query: str) -> list[float]:
        """Return the values of a query. Raises for one that is wrong."""
        return [float(one["value"][1]) for one in self.series(query)]

    def series(self, query: str) -> list[dict[str, Any]]:
        return list(self._get("query", query=query)["result"])

    def labels(self, series: str, label: str) -> list[str]:
        return list(self._get(f"label/{label}/values", **{"match[]": series}))

    def _get(self, path: str, **asked: str) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
        with suppress(ConnectionError), urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
        raise AssertionError("Prometheus cut the connection")


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def wait_for(condition: Any, what: str = "") -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"what was waited for did not come: {what}"
        time.sleep(0.2)
