"""No service is named in the file: containers whose labels ask for it are watched, as with docker-autoheal."""

from __future__ import annotations

from tests.containers import STOPS_AT_ONCE, Docker, wait_for
from tests.faults.agents import agent


def test_labels_alone_are_enough(docker: Docker) -> None:
    label, name = f"healthmon.{docker.session}", docker.name()
    docker.run(*STOPS_AT_ONCE, options=("--label", f"{label}=true"), name=name)
    with agent([], discovery={"label": label}, alert_rules=[]) as host:
        known = "SELECT service_name, current_status FROM service_status"
        wait_for(lambda: host.rows(known) == [(name, "healthy")], timeout_s=40, what="the container to be a service")
        assert f"watches the containers labelled {label}=true" in host.said_file.read_text()
        assert f"watches the containers labelled {label}=true" in host.ask("validate").stdout
        assert name in host.ask("status").stdout
