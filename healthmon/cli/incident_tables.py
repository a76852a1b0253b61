"""How do outages, and the story of one, look on a terminal and as JSON?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.answers.story import MOMENTS
from healthmon.answers.wording import iso
from healthmon.cli.table import age
from healthmon.cli.terminal import a_console, a_table, plain, say, styled
from healthmon.model.heal import CHARGED_HEALS, HealState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from rich.console import Console

    from healthmon.answers.story import Story
    from healthmon.model.forensics import Forensics, Part
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident

LINES = 12
BEGIN_MATTERS = frozenset({"processes", "container"})  # of these the first lines are shown, not the last
STYLES = {"failed": "red", "confirmed": "bold red", "quarantined": "bold red", "resolved": "green", "person": "cyan", "forensics": "dim"}


def show_incidents(found: Iterable[Incident], made: Mapping[int, Sequence[Heal]], names: Mapping[int, str], now: datetime) -> None:
    """Print outages, newest first."""
    console, lines = a_console(), list(found)
    table = a_table("incident", "service", "began", "lasted", "ended", "restarts", "what", numbers={"incident", "began", "lasted", "restarts"})
    for one in lines:
        lasted = age(one.started_at, one.resolved_at or now)
        ended = styled(one.resolution.value, "green") if one.resolution is not None else styled("not yet", "bold red")
        restarts = sum(heal.state in CHARGED_HEALS and heal.state is not HealState.WOULD_RESTART for heal in made[one.incident_id])
        what = (one.error_message or one.reason.value) + (f"; healing {one.healing}" if one.healing and one.resolved_at is None else "")
        began = f"{age(one.started_at, now)} ago"
        table.add_row(*plain(str(one.incident_id), names.get(one.service_id, "?"), began, lasted), ended, *plain(str(restarts or ""), what))
    console.print(table)


def show_story(story: Story, now: datetime, *, full: bool) -> None:
    """Print what happened, and the evidence: of each kind the last lines, unless all are wanted."""
    console, incident = a_console(), story.incident
    ended = f"over after {age(incident.started_at, incident.resolved_at)}" if incident.resolved_at else f"for {age(incident.started_at, now)}"
    console.print(styled(f"incident {incident.incident_id} of {story.service}, {ended}", "bold"))
    table = a_table("when (UTC)", "what")
    for entry in story.entries:
        table.add_row(styled(f"{entry.at:%Y-%m-%d %H:%M:%S}", "dim"), styled(entry.text, STYLES.get(entry.kind, "")))
    console.print(table)
    if incident.resolved_at is None and incident.healing:
        say(console, styled(f"healing: {incident.healing}"))
    for bundle in story.bundles:
        _show_bundle(console, bundle, None if full else LINES)
    if not story.bundles:
        console.print(styled("no evidence was kept: it has no container, forensics are off, or it is over 30 days old", "dim"))


def story_document(story: Story) -> dict[str, object]:
    """Return the story as JSON."""
    incident = story.incident
    return {
        "incident_id": incident.incident_id,
        "service_name": story.service,
        "started_at": clock.to_iso(incident.started_at),
        "detected_at": clock.to_iso(incident.detected_at),
        "resolved_at": iso(incident.resolved_at),
        "resolution": None if incident.resolution is None else incident.resolution.value,
        "reason": incident.reason.value,
        "error_message": incident.error_message,
        "healing": incident.healing,
        "events": [{"at": clock.to_iso(entry.at), "kind": entry.kind, "text": entry.text} for entry in story.entries],
        "forensics": list(map(_bundle_document, story.bundles)),
    }


def _show_bundle(console: Console, bundle: Forensics, most: int | None) -> None:
    console.print()
    console.print(styled(f"evidence {MOMENTS[bundle.moment]}, {clock.to_people(bundle.taken_at)}", "bold"))
    for part in bundle.parts:
        if part.lines or part.problem:
            _show_part(console, part, most)


def _show_part(console: Console, part: Part, most: int | None) -> None:
    first = part.name in BEGIN_MATTERS
    shown = part.lines if most is None else part.lines[:most] if first else part.lines[-most:]
    is_cut = len(shown) < len(part.lines)
    cut = f"the {'first' if first else 'last'} {len(shown)} of {len(part.lines)} lines, all with --full" if is_cut else ""
    notes = "; ".join(filter(None, (part.problem, cut)))
    console.print(styled(f"  {part.name}", "cyan"), styled(f"({notes})" if notes else "", "dim"))
    for line in shown:
        whole = most is None or not console.is_terminal
        console.print(styled(f"    {line}"), soft_wrap=whole, no_wrap=True, overflow="ignore" if whole else "ellipsis")


def _bundle_document(bundle: Forensics) -> dict[str, object]:
    return {
        "moment": bundle.moment.value,
        "heal_id": bundle.heal_id,
        "taken_at": clock.to_iso(bundle.taken_at),
        "took_seconds": round(bundle.took_s, 3),
        "container_id": bundle.incarnation.target_id,
        "container_started": bundle.incarnation.started,
        "parts": [{"name": part.name, "lines": list(part.lines), "problem": part.problem or None} for part in bundle.parts],
    }
