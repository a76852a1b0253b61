"""Do the pages show what is, in HTML that no name can break?"""

from __future__ import annotations

import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from healthmon import clock
from healthmon.history.rollups import Counter
from healthmon.model.check import CheckReason
from healthmon.model.performance import Performance
from healthmon.status.uptime import HOUR, hour_of
from healthmon.store import checks, holds, incidents, performance_data, rollups
from healthmon.web.assets import STATIC
from tests.builders import a_check, a_hold
from tests.web import days
from tests.web.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VOID = {"meta", "link", "input", "br", "rect", "line", "circle", "path", "polyline", "polygon"}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(directory=tmp_path_factory.mktemp("day"), services=days.SERVICES)
    days.fill(site)
    site.web.step()
    yield site
    site.close()


class Balance(HTMLParser):
    """Raises AssertionError for a tag that is closed where another is open, and keeps what a script could hide in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.suspicious: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.suspicious += [f"{tag} {name}" for name, _ in attrs if name.startswith("on") or name == "style"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def parsed(text: str) -> Balance:
    found = Balance()
    found.feed(text)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    return found


PAGES = ["/", "/?kiosk=1", "/?compact=1", "/?q=store&status=unhealthy&group=", "/services/doc_store", "/services/doc_store?range=90d", "/services/doc_store?range=1h", "/?range=7d", "/incidents", "/incidents/1", "/slo", "/slo?days=365", "/processes", "/login"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_and_has_nothing_inline(day: Site, path: str) -> None:
    told = day.ask(path)
    assert told.status == 200
    assert parsed(told.text).suspicious == []
    assert "<style" not in told.text
    assert re.findall(r"<script(?![^>]* src=)", told.text) == []


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_first_page_tells_what_is_wrong_and_folds_what_follows_from_it(day: Site) -> None:
    text = day.ask("/").text
    told = words(text)
    assert "<title>2 of 17 services are unhealthy · healthmon</title>" in text
    assert "because of doc_store" in told
    cards = re.findall(r'<li class="problem (\w+)" data-key="problem-\d+">(.*?)</li>', text, re.DOTALL)
    assert [severity for severity, _ in cards] == ["critical", "warning"]
    first = words(cards[0][1])
    for expected in ("doc_store", "status 503, expected 200-299", "Ill because of it frontend", "attempt 1: a restart did not help", "told", "email has it, since 4 min", "slack does not have it yet, failing for 4 min"):
        assert expected in first
    assert 'data-act="heal-now" data-service="doc_store"' in cards[0][1]


def test_every_service_has_its_day_in_words_too(day: Site) -> None:
    text = day.ask("/").text
    labels = re.findall(r'class="strip"[^>]* role="img" aria-label="([^"]+)"', text)
    assert len(labels) == len(days.SERVICES)
    assert any(label.startswith("doc_store: 1 outage in 1 d") for label in labels)
    assert re.search(r"7\d% known", words(text))


def test_the_address_chooses_and_the_form_shows_what_it_chose(day: Site) -> None:
    text = day.ask("/?q=store&status=unhealthy").text
    assert re.findall(r'data-name="(\w+)"', text) == ["doc_store"]
    assert 'value="store"' in text
    assert "No service matches" in day.ask("/?q=nothing-of-that-name").text
    refused = day.ask("/?stauts=unhealthy")
    assert refused.status == 400
    assert "did you mean" in refused.text


def test_the_page_of_a_service_has_its_outages_restarts_and_figures(day: Site) -> None:
    checks.append(day.database, [a_check(at=clock.now(), service_id=day.known["doc_store"].service_id, reason=CheckReason.STATUS)])
    told = words(day.ask("/services/doc_store").text)
    for expected in ("doc_store unhealthy for", "7 min", "Known of the time", "p95", "a restart did not help", "status 503", "hackathon-doc_store-1 runs"):
        assert expected in told
    assert "exited with code 137, killed for lack of memory" in words(day.ask("/services/frontend").text)


def test_the_page_of_a_service_says_why_each_rule_and_gate_is_as_it_is(day: Site) -> None:
    told = words(day.ask("/services/doc_store").text)
    for expected in (
        "critical_service_down critical fires for 5 min",
        "service_down critical pending 1 min",
        "unhealthy AND critical status unhealthy critical true",
        "low_uptime warning does not hold uptime_percentage &lt; 95.0 uptime_percentage",
        "Is healing switched on? forbids",
        "Are there attempts left? 1 of 3 used",
        "configuration : ada applied another configuration: interval_seconds",
        "deploy : another image: aaa0 before, bbb1 now",
        "start : started anew, not by healing",
        "restart : attempt 1: a restart did not help",
    ):
        assert expected in told


def test_a_time_is_chosen_in_the_address_and_kept_in_what_leads_on(day: Site) -> None:
    text = day.ask("/?range=7d&status=unhealthy").text
    assert "7 d ago" in words(text)
    assert re.search(r'<a href="/\?status=unhealthy&amp;range=1h">1h</a>', text)
    assert '<a href="/?status=healthy&amp;range=7d">' in text
    an_hour_ago = (clock.now() - HOUR).strftime("%Y-%m-%dT%H:%M")
    custom = day.ask(f"/services/doc_store?from={an_hour_ago}&to=")
    assert (custom.status, f'name="from" value="{an_hour_ago}"' in custom.text) == (200, True)
    for wrong in ("/?to=2026-01-01T00:00Z", "/?range=1h&from=2026-01-01T00:00", "/?from=2026-01-01T00:00&to=2026-01-01T00:01", "/?from=1790000000", "/?from=2016-01-01T00:00"):
        assert day.ask(wrong).status == 400, wrong


def test_the_page_of_an_incident_tells_its_story(day: Site) -> None:
    last = words(day.ask("/incidents").text)
    assert "doc_store" in last
    number = next(one["incident_id"] for one in day.ask("/api/v1/incidents?service=doc_store").json()["incidents"])
    told = words(day.ask(f"/incidents/{number}").text)
    for expected in ("doc_store has been ill for 7 min", "Detected after 36 s", "Acknowledged after not yet", "first failed check: status 503", "restart failed"):
        assert expected in told
    assert day.ask("/incidents/999999").status == 404
    assert day.ask("/incidents/99999999999999999999").status == 404


def test_the_steps_of_an_incident_are_one_bar_with_a_table_that_says_the_same(day: Site) -> None:
    [healed, *_] = day.ask("/api/v1/incidents?open=false").json()["incidents"]
    text = day.ask(f"/incidents/{healed['incident_id']}").text
    label = re.search(r'class="phases" [^>]* aria-label="([^"]+)"', text)
    assert label is not None
    assert label[1].startswith("34 s until it was confirmed, ")
    drawn = [int(width) for width in re.findall(r'<rect class="(?:detect|acknowledge|repair|wait)" x="\d+" y="\d+" width="(\d+)" height="\d+"/>', text) if width != "24"]
    assert sum(drawn) == 1_000
    assert "until it was confirmed 34 s" in words(text)
    assert len(drawn) == text.count('class="phases sample"')


def test_the_error_budget_stands_on_the_first_page_and_on_that_of_the_service(day: Site) -> None:
    levels = {one["service_name"]: one["budget_left_percentage"] for one in day.ask("/api/v1/slo").json()["services"]}
    row = re.search(r'data-name="doc_store">(.*?)</tr>', day.ask("/").text, re.DOTALL)
    assert row is not None
    assert f"budget {levels['doc_store']:.0f}% left" in words(row[1])
    assert f"Error budget left, 30 days {levels['doc_store']:.0f}%" in words(day.ask("/services/doc_store").text)


def test_what_a_person_holds_or_healing_gave_up_on_can_be_released(tmp_path: Path) -> None:
    site = Site(directory=tmp_path, services=days.SERVICES)
    try:
        days.fill(site)
        site.web.step()
        incident = next(one for one in incidents.open_incidents(site.database) if one.service_id == site.known["doc_store"].service_id)
        assert acts(site) == ["ack", "silence", "hold", "heal-now"]
        incidents.quarantine(site.database, incident.incident_id, at=clock.now())
        assert acts(site) == ["ack", "silence", "hold", "release", "heal-now"]
        holds.add(site.database, a_hold(service_id=incident.service_id, starts_at=clock.now(), ends_at=clock.now() + HOUR))
        assert acts(site) == ["ack", "silence", "release", "heal-now"]
    finally:
        site.close()


def acts(site: Site) -> list[str]:
    return re.findall(r'data-act="([a-z-]+)" data-service="doc_store"', site.ask("/").text)


def test_a_wall_shows_tiles_worst_first_and_nothing_to_press(day: Site) -> None:
    text = day.ask("/?kiosk=1").text
    assert re.findall(r'class="tile (\w+)"', text)[:3] == ["unhealthy", "unhealthy", "healthy"]
    assert 'class="tiles by-5"' in text
    assert "<table" not in text
    assert "<nav" not in text


def test_what_is_vendored_is_what_its_maker_published() -> None:
    for sums in STATIC.rglob("SHA256SUMS"):
        for line in sums.read_text().splitlines():
            expected, name = line.split()
            assert hashlib.sha256((sums.parent / name).read_bytes()).hexdigest() == expected, name
    scripts = {file.name for file in (STATIC / "vendor").rglob("*") if file.suffix in {".js", ".css"}}
    assert scripts == {"uPlot.iife.min.js", "uPlot.min.css"}


def test_the_large_script_is_loaded_only_where_it_is_used(day: Site) -> None:
    assert ["uPlot" in day.ask(path).text for path in ("/", "/services/doc_store", "/incidents", "/slo")] == [False, True, False, False]


def test_a_page_that_is_not_there_says_the_nearest(day: Site) -> None:
    told = day.ask("/services/docstore")
    assert told.status == 404
    assert "did you mean &#39;doc_store&#39;?" in told.text
    assert day.ask("/services/doc_store?range=2y").status == 400


def test_incidents_come_newest_first_with_how_long_each_step_took(day: Site) -> None:
    told = words(day.ask("/incidents").text)
    assert told.index("frontend") < told.index("doc_store") < told.index("healed")
    assert "36 s" in told
    assert "There are no older ones" in day.ask("/incidents?before=1").text


def test_service_levels_stand_with_how_much_of_the_time_is_known(day: Site) -> None:
    told = words(day.ask("/slo").text)
    for expected in ("Availability", "≥ 99.9 %", "Time to repair (MTTR)", "doc_store", "Left of it", "Burn rate 1 h / 6 h / 3 d", "From 2", "Known"):
        assert expected in told
    assert day.ask("/slo?days=8").status == 400


HOSTILE = "x'\"><svg onload=alert(1)>"


def test_a_name_and_an_error_are_text_and_nothing_else(tmp_path: Path) -> None:
    site = Site(directory=tmp_path, services=({"name": "plain", "url": "http://127.0.0.1:1/", "group": "web", "runbook_url": "https://x.example/'%22%3E"},))
    try:
        site.web.step()
        error = f"{HOSTILE}<script>alert(2)</script>"
        checks.append(site.database, [a_check(at=clock.now(), service_id=1, reason=CheckReason.STATUS, error_message=error)])
        for path in ("/", "/services/plain", f"/?q={quote(HOSTILE)}", f"/services/{quote(HOSTILE, safe='')}"):
            text = site.ask(path).text
            assert parsed(text).suspicious == []
            assert "<svg onload" not in text
            assert "<script>" not in text
        assert "&lt;script&gt;alert(2)" in site.ask("/services/plain").text
    finally:
        site.close()


def test_no_page_shows_what_an_address_holds_in_secret(tmp_path: Path) -> None:
    site = Site(directory=tmp_path, services=({"name": "plain", "url": "http://ada:hunter2-hunter2@127.0.0.1:1/?key=hunter3-hunter3"},))
    try:
        site.web.step()
        told = site.ask("/services/plain").text
        assert "http://127.0.0.1:1/?" in told
        for path in ("/", "/services/plain", "/incidents", "/slo", "/processes", "/metrics", "/api/v1/report", "/api/v1/http_sd"):
            assert "hunter" not in site.ask(path).text
    finally:
        site.close()


def test_what_a_command_measures_is_told_everywhere(tmp_path: Path) -> None:
    site = Site(directory=tmp_path, services=({"name": "disk", "type": "command", "command": ["/bin/check disk", "-w", "10%"]},))
    measured = Performance(label='/"\n', value=39_348_900_123.5, unit="B", warning="5948", critical="5958", minimum=0, maximum=5968)
    try:
        performance_data.note(site.database, {1: (clock.now(), [measured])})
        site.web.step()
        told = unescape(site.ask("/services/disk").text)
        assert "'/bin/check disk' -w 10%" in told
        assert "39,348,900,124 B" in told
        assert 'healthmon_probe_value{name="disk",label="/\\"\\n",unit="B"} 39348900123.5' in site.ask("/metrics").text
        [found] = site.ask("/api/v1/services/disk/performance").json()["performance"]
        assert (found["label"], found["value"], found["critical"], found["maximum"]) == ('/"\n', 39_348_900_123.5, "5958", 5968)
        assert site.ask("/api/v1/services/dsik/performance").status == 404
    finally:
        site.close()


SHOWN = {"show_trends": "24 h ago", "show_response_times": "p50 / p95", "show_error_rates": "% failed"}


@pytest.mark.parametrize("key", SHOWN)
def test_the_dashboard_keys_do_what_they_say(tmp_path: Path, key: str) -> None:
    told = []
    for is_shown in (True, False):
        site = Site(directory=tmp_path / str(is_shown), services=days.SERVICES, settings={"dashboard": {key: is_shown}})
        days.fill(site)
        hour = hour_of(clock.now()) - HOUR
        counter = Counter()
        for _ in range(100):
            counter.add(healthy=False, response_time_us=None)
        rollups.save_hour(site.database, hour, {1: counter.counted()}, mark=None, is_over=False, reached=clock.now())
        site.web.step()
        told.append(site.ask("/").text)
        site.close()
    words = SHOWN[key]
    assert (words in told[0], words in told[1]) == (True, False)
