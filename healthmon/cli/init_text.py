"""How is a first configuration written? Pure: from what was found to JSON with comments that say what to decide."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from healthmon.log import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from healthmon.cli.init_found import Found
    from healthmon.cli.init_taken import Taken

MOST_NAME, MOST_GROUP = 64, 32
_ODD = re.compile(r"[^A-Za-z0-9_-]+")

TEXT = """\
{{
  // Written by `healthmon init` on {host}. `healthmon validate` says what it means.
  "check_interval_seconds": 30,
  "services": [
{services}
  ],
  // Who is to be told? `healthmon alerts test CHANNEL` tries a channel out.
  "alerting": {{}},
  // Healing is off. The safe way there: a week with dry_run, then look at `healthmon heal history`.
  "self_healing": {{ "enabled": false, "restart_unhealthy_services": false, "dry_run": true }}
}}
"""


def taken_over(found: Sequence[Taken], host: str) -> str:
    """Return the text of a configuration that watches what another program's did, with a comment on each difference."""
    names = _once([_clean(one.name, MOST_NAME) for one in found])
    entries = [_taken(one, name) for one, name in zip(found, names, strict=True) if one.entry]
    left = [f"    // Not taken over: {_said(one.name)} {_said(note)}" for one in found if not one.entry for note in one.notes]
    return TEXT.format(host=_line(host), services="\n".join([",\n".join(entries), *left]))


def _taken(one: Taken, name: str) -> str:
    entry = {"name": name, **one.entry}
    if "group" in entry:
        entry["group"] = _clean(str(entry["group"]), MOST_GROUP)
    notes = ([f"was named {one.name}"] if name != one.name else []) + one.notes
    comments = [f"    // {_said(note)}" for note in notes]
    return "\n".join([*comments, *(f"    {line}" for line in json.dumps(entry, indent=2, ensure_ascii=False).splitlines())])


def written(found: Sequence[Found], host: str) -> str:
    """Return the text of a configuration that watches all of it."""
    names = _names(found)
    by_compose = {(one.group, one.compose_service): names[index] for index, one in enumerate(found) if one.compose_service}
    entries = [_entry(one, names[index], by_compose) for index, one in enumerate(found)]
    return TEXT.format(host=_line(host), services=",\n".join(entries))


def _names(found: Sequence[Found]) -> list[str]:
    """Return a name for each, each once: with the project where two have the same, with a number where that is not enough."""
    plain = [_clean(one.name, MOST_NAME) for one in found]
    longer = [_clean(f"{one.group}-{name}", MOST_NAME) if plain.count(name) > 1 and one.group else name for one, name in zip(found, plain, strict=True)]
    return _once(longer)


def _once(names: list[str]) -> list[str]:
    """Return the names, with a number where one was there before."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name[: MOST_NAME - 4]}-{number}"
        taken.add(free)
        found.append(free)
    return found


def _entry(one: Found, name: str, by_compose: dict[tuple[str, str], str]) -> str:
    entry: dict[str, object] = {"name": name}
    if one.kind != "http":
        entry["type"] = one.kind
    if one.url:
        entry["url"] = one.url
    if one.group:
        entry["group"] = _clean(one.group, MOST_GROUP)
    if one.container:
        entry["container"] = one.container
    elif one.compose_service:
        entry["compose_service"] = one.compose_service
    needs = list(_needs(one, name, by_compose))
    if needs:
        entry["depends_on"] = needs
    note = "" if one.answers or one.kind == "docker" else "    // it did not answer when this was written\n"
    return note + "\n".join(f"    {line}" for line in json.dumps(entry, indent=2).splitlines())


def _needs(one: Found, name: str, by_compose: dict[tuple[str, str], str]) -> Iterable[str]:
    found = (by_compose.get((one.group, other)) for other in one.depends_on)
    return dict.fromkeys(other for other in found if other is not None and other != name)


def _clean(text: str, most: int) -> str:
    return _ODD.sub("-", text).strip("-")[:most] or "service"


def _line(text: str) -> str:
    return _ODD.sub("-", text)


def _said(text: str) -> str:
    """Write what others wrote into one line of a comment."""
    return clean(text)
