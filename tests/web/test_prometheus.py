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
from healthmon.model.process import ProcessSample
from healthmon.store import process_samples
from tests.needs import program
from tests.web.sites import SERVICES, Site
from tests.web.test_metrics import fill

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
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    with prometheus(tmp_path, site) as ask:
        wait_for(lambda: ask('up{job="healthmon"} == 1') and ask('probe_success{instance="doc_store"}'))
        wait_for(lambda: ask('probe_success{instance="doc_store", group="default"}') == [0.0])
        wait_for(lambda: ask('up{instance="frontend"} == 0'))  # of what nothing is known, a probe fails
        wait_for(lambda: ask('healthmon_service_state{name="doc_store", state="unhealthy"}') == [1.0])
        wait_for(lambda: ask('ALERTS{alertname="ServiceUnhealthy", name="doc_store"}'))
        for expression in asked:
            ask(filled(expression))  # raises for one that is wrong
    named = set(re.findall(r"\bhealthmon_\w+", " ".join([*asked, RULES.read_text(encoding="utf-8")])))
    named = {re.sub(r"_bucket$", "", name) for name in named}
    assert named <= exposed
    documented = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert exposed <= set(documented)


def filled(expression: str) -> str:
    """Return an expression of the dashboard as Grafana sends it."""
    return expression.replace("$instance", ".*").replace("$name", ".*").replace("$__rate_interval", "1m")


@contextmanager
def prometheus(directory: Path, site: Site) -> Iterator[Any]:
    """Run a Prometheus that scrapes a site; give what asks it a query and returns the values."""
    [port] = free_ports(1)
    config = directory / "prometheus.yml"
    config.write_text(SCRAPES.format(port=site.port, rules=RULES), encoding="utf-8")
    command = [
        program("prometheus", package="prometheus"),
        *(f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory)

    def ask(query: str) -> list[float]:
        url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with suppress(ConnectionError), urllib.request.urlopen(url, timeout=10) as answer:
            return [float(one["value"][1]) for one in json.load(answer)["data"]["result"]]
        raise AssertionError("Prometheus cut the connection")

    try:
        wait_for(lambda: listens(port))
        yield ask
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.2)
