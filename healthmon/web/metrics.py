"""What does Prometheus get to know? Everything from the database: this process counts nothing itself."""

from __future__ import annotations

import platform
from collections import Counter
from typing import TYPE_CHECKING

from healthmon import __version__
from healthmon.answers import live
from healthmon.model.alert import AlertSeverity
from healthmon.model.delivery import DeliveryState
from healthmon.model.process import TOTAL as ALL_PROCESSES
from healthmon.notify import channels
from healthmon.store import alerts, channel_states, deliveries, process_samples, space, totals
from healthmon.web import service_metrics
from healthmon.web.exposition import Family, Kind, labelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from healthmon.answers.live import Known
    from healthmon.config import Config
    from healthmon.store.connection import Connection
    from healthmon.web.service_metrics import Told

GAUGE, COUNTER = Kind.GAUGE, Kind.COUNTER


def collect(  # noqa: PLR0913  what it rests on, one name each
    connection: Connection, config: Config, running: dict[str, bool], now: datetime, *, known: Known | None = None, told: Told | None = None
) -> list[Family]:
    """Return all metrics. `running` are our own programs, and whether each runs. What is not known is left out.

    Who asks again and again lends what was read and told before.
    """
    report = live.read(connection, config, known)
    return [
        *_ourselves(connection, config, running),
        *service_metrics.collect(connection, config, report, now, known=known, told=told),
        *_telling(connection, config),
    ]


def _ourselves(connection: Connection, config: Config, running: dict[str, bool]) -> Iterator[Family]:
    build = Family(name="healthmon_build_info", kind=GAUGE, about="Which healthmon this is.")
    build.add(1, labelled(version=__version__, pythonversion=platform.python_version()))
    yield build
    up = Family(name="healthmon_process_up", kind=GAUGE, about="Whether a process of healthmon's own runs.")
    for program, is_up in running.items():
        up.add(is_up, labelled(program=program))
    yield up
    yield from _usage(connection)
    size = Family(name="healthmon_database_size_bytes", kind=GAUGE, about="Size of the database, without what is not written into it yet.")
    size.add(space.measure(connection).size_bytes)
    yield size
    watched = Family(name="healthmon_services", kind=GAUGE, about="How many services are watched.")
    watched.add(len(config.enabled_services()))
    yield watched


def _usage(connection: Connection) -> Iterator[Family]:
    memory = Family(
        name="healthmon_process_proportional_memory_bytes", kind=GAUGE, about="Memory of a process, with its share of what several use."
    )
    cpu = Family(name="healthmon_process_cpu_seconds_total", kind=COUNTER, about="Processor time of a process since it began.")
    for sample in process_samples.newest(connection):
        if sample.program != ALL_PROCESSES:  # Prometheus adds up by itself
            memory.add(sample.pss_bytes, labelled(program=sample.program))
            cpu.add(sample.cpu_s, labelled(program=sample.program))
    yield from (memory, cpu)


def _telling(connection: Connection, config: Config) -> Iterator[Family]:
    counts: Counter[tuple[str, str]] = Counter((one.alert_type, one.severity.value) for one in alerts.firing(connection))
    for rule in config.alert_rules:
        if rule.enabled and rule.severity is not AlertSeverity.INFO:
            counts.setdefault((rule.name, rule.severity.value), 0)
    firing = Family(name="healthmon_alerts_firing", kind=GAUGE, about="Alerts that fire now.")
    for (rule_name, severity), number in sorted(counts.items()):
        firing.add(number, labelled(rule=rule_name, severity=severity))
    yield firing
    states, told, waiting = channel_states.load(connection), totals.deliveries(connection), deliveries.count_waiting(connection)
    sent = Family(name="healthmon_notifications_total", kind=COUNTER, about="Messages that a channel took.")
    parked = Family(name="healthmon_notification_failures_total", kind=COUNTER, about="Messages that were given up on.")
    queue = Family(name="healthmon_notification_queue_length", kind=GAUGE, about="Messages that wait.")
    fails = Family(name="healthmon_channel_failing", kind=GAUGE, about="1 while nothing gets through a channel.")
    for channel in channels.enabled(config.alerting):
        name, state = labelled(channel=channel.name), states.get(channel.name)
        sent.add(told.get((channel.name, DeliveryState.SENT.value), 0), name)
        parked.add(told.get((channel.name, DeliveryState.PARKED.value), 0), name)
        queue.add(waiting.get(channel.name, 0), name)
        fails.add(state is not None and state.failing_since is not None, name)
    yield from (sent, parked, queue, fails)
