"""What has become of each outage since it was last looked at: is it over, whose fault is it, and how bad is it by now?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon.model.alert import rank

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from healthmon.alerts.dependencies import Node
    from healthmon.alerts.speaking import Speaker
    from healthmon.model.conversation import Conversation
    from healthmon.model.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known now, everything by service_id. `roots` are what services are ill because of, `speaking` by such containers."""

    now: datetime
    incidents: Mapping[int, Incident]
    flapping: Collection[int]
    firing: Collection[int]  # of which an alert fires
    removed: Collection[int]  # of which nothing that is spoken of stands in the configuration any more
    roots: Mapping[int, Node]
    speaking: Mapping[str, Speaker]
    muted: Collection[int]
    maintenance_ended: Mapping[int, datetime]  # the last, of late


def follow(spoken: Mapping[int, Conversation], known: Known) -> dict[int, Conversation]:
    """Return every conversation as it is now."""
    leaned_on = {known.roots[sid] for sid in spoken if sid in known.roots}
    followed = {sid: _followed(one, known, spoken, is_leaned_on=sid in leaned_on) for sid, one in spoken.items()}
    return _as_bad_as_what_they_speak_for(followed)


def _followed(before: Conversation, known: Known, spoken: Collection[int], *, is_leaned_on: bool) -> Conversation:
    sid = before.service_id
    incident = known.incidents.get(sid)
    after = replace(
        before,
        is_outage=before.is_outage or incident is not None,
        flapping_at=(before.flapping_at or known.now) if sid in known.flapping else None,
        urgent_at=_urgent_at(incident) or before.urgent_at,
    )
    is_over = _is_over(after, known, is_leaned_on=is_leaned_on)
    after = _under_its_root(replace(after, over_at=(before.over_at or known.now) if is_over else None), known, spoken)
    if after.root_service_id is None and before.root_service_id is not None:
        after = replace(after, released_at=known.now)
    return _released(after, known.maintenance_ended.get(sid))


def _urgent_at(incident: Incident | None) -> datetime | None:
    """Return when something last happened in an outage that a person must hear of."""
    called = () if incident is None else (incident.quarantined_at, incident.needs_person_at)
    return max((at for at in called if at is not None), default=None)


def _is_over(one: Conversation, known: Known, *, is_leaned_on: bool) -> bool:
    """An outage is over when the service is well; what is none, when no alert fires."""
    sid = one.service_id
    if sid in known.removed:
        return True
    if sid in known.flapping:
        return False
    if not one.alert_types and one.announced_at is None and not is_leaned_on:
        return True  # it was to be told for others only, and they are well
    return sid not in known.incidents if one.is_outage else sid not in known.firing


def _under_its_root(one: Conversation, known: Known, spoken: Collection[int]) -> Conversation:
    root = known.roots.get(one.service_id)
    if isinstance(root, str):
        speaker = known.speaking[root]
        if speaker.service_id == one.service_id:
            return replace(one, severity=speaker.severity, root_service_id=None)
        root = speaker.service_id
    return replace(one, root_service_id=root if root in spoken and root not in known.muted else None)


def _released(one: Conversation, maintenance_ended: datetime | None) -> Conversation:
    """Take in when the last maintenance ended: what is ill then is waited for anew."""
    held_until = one.released_at or one.opened_at
    return one if maintenance_ended is None or maintenance_ended <= held_until else replace(one, released_at=maintenance_ended)


def _as_bad_as_what_they_speak_for(found: dict[int, Conversation]) -> dict[int, Conversation]:
    shared = dict(found)
    for one in found.values():
        root = None if one.root_service_id is None else shared.get(one.root_service_id)
        if root is not None and rank(one.severity) > rank(root.severity):
            shared[root.service_id] = replace(root, severity=one.severity)
    return shared
