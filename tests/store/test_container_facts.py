"""What is stored about containers beside the services' own: it comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from healthmon.model.alert import AlertSeverity
from healthmon.model.container_dependency import ContainerDependency
from healthmon.store import container_dependencies, conversations, services
from healthmon.store.opening import create_or_open
from tests.builders import NOW, ago

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "core", True)], now=NOW)
    yield opened
    opened.close()


def test_what_containers_depend_on_is_replaced_as_a_whole(database: Connection) -> None:
    redis = ContainerDependency(service_id=1, name="redis", container="p-redis-1", watched_by=None, trouble="is paused", since=ago(60))
    container_dependencies.publish(database, [redis], now=NOW)
    assert container_dependencies.load(database) == [redis]
    container_dependencies.publish(database, [], now=ago(-1))
    assert (container_dependencies.load(database), container_dependencies.changed_at(database)) == ([], ago(-1))


def test_a_conversation_keeps_what_its_service_was_ill_because_of(database: Connection) -> None:
    begun = conversations.begin(database, 1, severity=AlertSeverity.WARNING, alert_types=("down",), alert_id=1, started_at=NOW, now=NOW)
    told = replace(begun, because_of="redis is paused", announced_at=NOW)
    conversations.save(database, told)
    assert conversations.open_conversations(database) == [told]
