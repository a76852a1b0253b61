"""What is a hook told? All in variables, nothing in arguments: what others wrote is never part of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.log import clean

if TYPE_CHECKING:
    from healthmon.heal.hook_settings import HookSettings
    from healthmon.model.heal import Heal
    from healthmon.model.hook_run import HookMoment

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(settings: HookSettings, heal: Heal, moment: HookMoment, *, service: str) -> dict[str, str]:
    """Return the whole environment: nothing of ours is inherited."""
    run = heal.new_incarnation or heal.incarnation
    told = {
        "MOMENT": moment.value,
        "SERVICE": service,
        "CONTAINER": heal.target_name,
        "CONTAINER_ID": run.target_id,
        "ACTION": heal.action.value,
        "ATTEMPT": str(heal.attempt),
        "HEAL": str(heal.heal_id),
        "INCIDENT": "" if heal.incident_id is None else str(heal.incident_id),
        "STATE": heal.state.value,
        "DETAIL": heal.detail,
        "ASKED_BY": heal.asked_by or "",
        "WHY": heal.why,
    }
    given = {name: value.get_secret_value() for name, value in settings.environment.items()}
    return {"PATH": PATH, "LANG": "C.UTF-8", **given, **{f"HEALTHMON_{name}": clean(value) for name, value in told.items()}}
