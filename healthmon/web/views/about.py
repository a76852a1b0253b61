"""What is there to know of a service beside how it is: its settings, its container, what it depends on, and who depends on it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.clock import duration, to_people
from healthmon.heal.condition import condition
from healthmon.web.views import wording

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.answers.service import ServiceFacts
    from healthmon.config import ServiceSettings
    from healthmon.history.report import ServiceLine

NOT_KNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """What a service depends on, or what depends on it. `href` is empty for a container that nobody watches."""

    name: str
    href: str
    how: str


def facts_of(facts: ServiceFacts, settings: ServiceSettings, line: ServiceLine) -> tuple[tuple[str, str], ...]:
    report = facts.standing.targets.get(facts.service_id)
    target = None if report is None else report.target
    expected, hold = settings.expected_response_time, facts.standing.report.holds.get(facts.service_id)
    usage = facts.standing.usages.get(facts.service_id)
    found = [
        ("Address", settings.shown_url),
        ("Command", settings.shown_command),
        ("Group", f"{line.service.group}{', critical' if line.service.critical else ''}"),
        ("Looked at every", duration(settings.interval_seconds)),
        ("Last look", _last_look(line, settings, facts.standing.report.at)),
        ("Last answer", wording.milliseconds(line.response_time_s)),
        ("Measured", ", ".join(map(str, facts.performance))),
        ("Expected within", "" if expected is None else wording.milliseconds(expected)),
        ("Held back", "" if hold is None else f"until {to_people(hold.ends_at)} by {hold.author}: {hold.reason}"),
        ("Container", (report.problem or "") if report is not None and target is None else ""),
    ]
    if target is not None and report is not None:
        found += [
            ("Container", f"{target.name} {condition(target)}"),
            ("Matched by", (report.matched_by or "").replace("_", " ")),
            ("Image", target.image_id.removeprefix("sha256:")[:12]),
            ("Restart policy", f"{target.restart_policy}, used {target.restart_count} times" if target.restart_count else target.restart_policy),
            ("Memory", "" if usage is None else f"{usage.memory_percent:.0f}% of its limit, or of the host's"),
        ]
    return tuple((name, value) for name, value in found if value)


def _last_look(line: ServiceLine, settings: ServiceSettings, now: datetime) -> str:
    if line.last_updated is None:
        return "none yet"
    after_s = settings.interval_seconds - (now - line.last_updated).total_seconds()
    following = f"the next in {duration(after_s)}" if after_s > 0 else "the next is due"
    return f"{wording.age(line.last_updated, now)} ago, {following}"


def depends_on(facts: ServiceFacts, settings: ServiceSettings) -> tuple[Neighbour, ...]:
    """Return what a service needs, what the configuration names first."""
    found = [_service(name, facts) for name in settings.depends_on]
    for one in facts.dependencies:
        if one.service_id != facts.service_id:
            continue
        watched = facts.names.get(one.watched_by or 0, "")
        if watched and watched not in settings.depends_on:
            found.append(_service(watched, facts))
        elif not watched:
            found.append(Neighbour(name=one.container or one.name, href="", how=one.trouble or "runs; nobody watches it"))
    return tuple(found)


def needed_by(facts: ServiceFacts, name: str, everybody: Iterable[ServiceSettings]) -> tuple[Neighbour, ...]:
    """Return who needs a service, by the configuration or by a Compose file."""
    configured = [one.name for one in everybody if name in one.depends_on]
    of_compose = [facts.names.get(one.service_id, "") for one in facts.dependencies if one.watched_by == facts.service_id]
    return tuple(_service(one, facts) for one in dict.fromkeys((*configured, *of_compose)) if one)


def _service(name: str, facts: ServiceFacts) -> Neighbour:
    states = {line.service.name: line.status.value for line in facts.standing.report.lines}
    return Neighbour(name=name, href=f"/services/{quote(name, safe='')}", how=states.get(name, NOT_KNOWN))
