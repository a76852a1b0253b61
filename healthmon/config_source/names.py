"""Does a configuration name services, groups and channels that there are?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import ValidationError

from healthmon.config_source.node import Finding, Path, Plain
from healthmon.config_source.relations import duplicates, entries, watches_labels
from healthmon.heal.labels import GROUP as LABELLED
from healthmon.notify import channels
from healthmon.notify.settings import AlertingSettings
from healthmon.service_settings import ServiceSettings
from healthmon.spelling import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DEFAULT_GROUP = ServiceSettings.model_fields["group"].default
MEANT = {"services": ("service", "a monitored service"), "groups": ("group", "the group of any service")}
NAMING = ("maintenance", "routes")  # the lists of `alerting` whose entries name services and groups
SENDING = ("routes", "escalation")  # those whose entries name channels


def findings(values: Plain) -> list[Finding]:
    """Return what is named in `alerting` and is not there."""
    alerting = values.get("alerting") if isinstance(values, dict) else None
    known = known_names(values)
    found = duplicates(("alerting", "maintenance"), entries(alerting, "maintenance"))
    found += duplicates(("alerting", "apprise"), entries(alerting, "apprise"))
    for key in NAMING:
        for number, entry in entries(alerting, key).items():
            found += strangers(("alerting", key, number), entry, known)
    return [*found, *_unknown_channels(alerting), *_steps_that_do_not_rise(entries(alerting, "escalation"))]


def _steps_that_do_not_rise(steps: dict[int, dict[str, Plain]]) -> Iterator[Finding]:
    times = [(number, step.get("after_minutes")) for number, step in steps.items()]
    numbers = [(number, after) for number, after in times if isinstance(after, int | float) and not isinstance(after, bool)]
    for (_, before), (number, after) in pairwise(numbers):
        if after <= before:
            message = f"must be more than the {before:g} of the step before it"
            yield Finding(path=("alerting", "escalation", number, "after_minutes"), message=message)


def _unknown_channels(alerting: Plain) -> Iterator[Finding]:
    """Yield the channels that are named and not switched on; nothing while it is not clear which are."""
    if not isinstance(alerting, dict):
        return
    try:
        settings = AlertingSettings.model_validate({key: value for key, value in alerting.items() if key not in {*NAMING, *SENDING}})
    except ValidationError:
        return
    known = [channel.name for channel in channels.enabled(settings)]
    for key in SENDING:
        for number, entry in entries(alerting, key).items():
            named = entry.get("channels")
            for position, name in enumerate(named if isinstance(named, tuple) else ()):
                if isinstance(name, str) and name not in known:
                    advice = nearest(name, known) or f": there is {', '.join(known) or 'none'}"
                    message = f"{quoted(name)} is not a channel that is switched on{advice}"
                    yield Finding(path=("alerting", key, number, "channels", position), message=message)


def known_names(values: Plain) -> dict[str, Collection[str]]:
    """Return the services and the groups of the file, as conditions call them; also the group of containers that may come and ask."""
    services = entries(values, "services").values()
    names = [name for service in services if isinstance(name := service.get("name"), str)]
    groups = [group for service in services if isinstance(group := service.get("group", DEFAULT_GROUP), str)]
    if isinstance(values, dict) and watches_labels(values.get("discovery")):
        groups.append(LABELLED)
    return {"service": dict.fromkeys(names), "group": dict.fromkeys(groups)}


def strangers(path: Path, entry: dict[str, Plain], known: dict[str, Collection[str]]) -> Iterator[Finding]:
    """Yield the services and groups that an entry names and the file does not have."""
    for key, (kind, what) in MEANT.items():
        names = entry.get(key)
        for position, name in enumerate(names if isinstance(names, tuple) else ()):
            if isinstance(name, str) and name not in known[kind]:
                advice = nearest(name, known[kind]) or ": take it out here, or add it to services"
                yield Finding(path=(*path, key, position), message=f"{quoted(name)} is not {what}{advice}")
