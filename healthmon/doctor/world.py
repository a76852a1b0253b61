"""Are Docker, the channels, the ports and the services as the configuration counts on them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.doctor.finding import Finding, bad, fine, note
from healthmon.errors import EngineError, StoreError, UsageError
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.matching import Wanted, match
from healthmon.notify.channels import enabled
from healthmon.store import channel_states, migrate, services, targets
from healthmon.store.opening import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.config import Config
    from healthmon.paths import Paths

ASK_FOR_DOCKER = "sudo tools/install --split-healer (or --docker; SECURITY.md says what each means)"


def database(paths: Paths) -> list[Finding]:
    """Can it be used as it is? Whether all of it is whole only `healthmon db check` can tell."""
    topic = "database"
    if not paths.database.exists():
        return [note(topic, f"{paths.database} is not there yet: the first start makes it")]
    try:
        connection = open_for_reading(paths.database)
        try:
            migrate.require_shape(connection)
        finally:
            connection.close()
    except (StoreError, UsageError) as error:
        return [bad(topic, str(error), "healthmon db check")]
    return [fine(topic, f"{paths.database}, schema {migrate.SCHEMA_VERSION}, {paths.database.stat().st_size / 2**20:.1f} MiB")]


def docker(config: Config) -> list[Finding]:
    """What does the agent see of Docker; or where none runs, what do we?"""
    topic, api = "docker", ""
    wanted = [Wanted.of(service) for service in config.enabled_services() if service.supervisor_program is None]
    engine = DockerEngine()
    try:
        seen = engine.observe()
        while engine.is_behind:
            seen = engine.observe()
        api = engine.api_version
    except EngineError as error:
        return [note(topic, f"{error}; states of containers are unknown, and none is restarted", ASK_FOR_DOCKER)]
    finally:
        engine.close()
    matches = match(wanted, seen)
    without = [name for name, found in matches.items() if found.target is None]
    found = [fine(topic, f"answers by API {api}, with {len(seen)} containers")]
    if blind := _problem_of_agent(config):
        found.append(bad(topic, f"it answers us, but not the agent: {blind}", ASK_FOR_DOCKER))
    if without and seen:
        few = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if without[5:] else "")
        found.append(note("matching", f"{len(without)} of {len(wanted)} services have no container: {few}", "healthmon validate"))
    elif without:
        found.append(note("matching", f"there is no container at all, and {len(wanted)} services"))
    else:
        found.append(fine("matching", f"each of {len(wanted)} services has its container"))
    return found


def _problem_of_agent(config: Config) -> str:
    """Return why the agent's healer could not list the containers, if it could not."""
    try:
        connection = open_for_reading(config.paths.database)
    except (StoreError, UsageError, OSError):
        return ""
    try:
        ids = {service.service_id for service in services.by_name(connection).values()}
        reports = [report for service_id, report in targets.load(connection).items() if service_id in ids]
    except StoreError:
        return ""
    finally:
        connection.close()
    blind = [one.problem for one in reports if one.problem and one.problem.startswith("cannot list")]
    return blind[0] if reports and len(blind) == len(reports) else ""


def channels(config: Config) -> list[Finding]:
    topic = "channels"
    names = [channel.name for channel in enabled(config.alerting)]
    if not names and not config.alerting.alertmanager:
        return [note(topic, "nobody is told of anything: no channel is switched on", "alerting.… in the configuration, then `healthmon alerts test CHANNEL`")]
    try:
        connection = open_for_reading(config.paths.database)
    except (StoreError, UsageError, OSError):
        return [note(topic, f"{', '.join(names)}: whether they deliver is not known yet", f"healthmon alerts test {names[0]}" if names else "")]
    try:
        known = channel_states.load(connection)
    finally:
        connection.close()
    found = []
    for name in names:
        state = known.get(name)
        if state is None:
            found.append(note(topic, f"{name} has never been used", f"healthmon alerts test {name}"))
        elif state.failing_since is not None:
            found.append(bad(topic, f"{name} does not deliver: {state.last_error}", f"healthmon alerts test {name}"))
        else:
            found.append(fine(topic, f"{name} delivers"))
    return found or [fine(topic, "alerts are handed to Alertmanager")]


def port(config: Config, holders: Sequence[str]) -> list[Finding]:
    """Who holds the port that the pages are served on?"""
    if not config.web.enabled:
        return []
    if not holders:
        return [note("port", f"nobody serves the pages on {config.web.port}", "healthmon ctl status web; healthmon ctl tail web")]
    if any("healthmon" in holder for holder in holders):
        return [fine("port", f"the pages are served on {config.web.port}")]
    what = f"{config.web.port}, where the pages are to be served, is held by {', '.join(holders)}"
    return [bad("port", what, "set web.port to another, or stop that program")]
