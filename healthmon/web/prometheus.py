"""What is served for Prometheus: `/metrics`, `/probe` as blackbox_exporter has it, and the targets for it to discover."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from healthmon import clock
from healthmon.answers import live, processes
from healthmon.model.check import CheckReason
from healthmon.spelling import nearest, quoted
from healthmon.store import certificates, states
from healthmon.web import metrics, queries
from healthmon.web.exposition import OPEN, PLAIN, Family, Kind, expose
from healthmon.web.problems import Problem
from healthmon.web.queries import Query
from healthmon.web.service_metrics import Told

if TYPE_CHECKING:
    from starlette.requests import Request

    from healthmon.config import Config
    from healthmon.history.report import ServiceLine
    from healthmon.model.status import ServiceState
    from healthmon.store.connection import Connection
    from healthmon.web.reader import Reader


class ProbeQuery(Query):
    target: str = Field(min_length=1, description="The name of a service.")
    module: str = Field("", description="As a scrape of blackbox_exporter sends it; it changes nothing here.")


class Prometheus:
    """The handlers."""

    def __init__(self, config: Config, programs: tuple[str, ...], reader: Reader) -> None:
        self._config = config
        self._programs = programs
        self._reader = reader
        self._told = Told()

    async def metrics(self, request: Request) -> Response:
        running = await run_in_threadpool(processes.running, self._config.paths, self._programs)

        def ask(connection: Connection) -> list[Family]:
            return metrics.collect(connection, self._config, running, clock.now(), known=self._reader.known, told=self._told)

        return _told(await self._reader.ask(ask), request)

    async def probe(self, request: Request) -> Response:
        """Answer from the last stored check, which is not older than the schedule allows: no service is asked for a scrape."""
        query = queries.read(ProbeQuery, request.query_params)

        def ask(connection: Connection) -> list[Family]:
            return self._probe(connection, query.target)

        return _told(await self._reader.ask(ask), request)

    async def targets(self, _request: Request) -> Response:
        """List the services as Prometheus's HTTP service discovery reads them, for a job that scrapes `/probe`."""
        found = [
            {"targets": [service.name], "labels": {"__meta_healthmon_group": service.group, "__meta_healthmon_critical": str(service.critical).lower()}}
            for service in self._config.enabled_services()
        ]
        return JSONResponse(found)

    def _probe(self, connection: Connection, name: str) -> list[Family]:
        lines = {line.service.name: line for line in live.read(connection, self._config, self._reader.known).lines}
        if name not in lines:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no service {quoted(name)}{nearest(name, lines)}")
        line = lines[name]
        sid = line.service.service_id
        state = states.load(connection).get(sid)
        if state is None or line.reason is CheckReason.NO_DATA:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"nothing is known of {name} now: {line.error}")
        expiry = certificates.of_services(connection, [sid]).get(sid)
        return _probe_families(line, state, None if expiry is None else expiry.timestamp())


def _probe_families(line: ServiceLine, state: ServiceState, expires_at: float | None) -> list[Family]:
    """Return what blackbox_exporter would say of the last check. Of what it did not find out there is no sample."""
    values: list[tuple[str, str, float | None]] = [
        ("probe_success", "Whether the last check was good.", float(line.reason is CheckReason.OK)),
        ("probe_duration_seconds", "How long the last answer took.", line.response_time_s),
        ("probe_http_status_code", "The status code of the last answer; 0 when there was none.", state.last_status_code or 0),
        ("probe_ssl_earliest_cert_expiry", "When the certificate expires.", expires_at),
        ("healthmon_probe_last_timestamp_seconds", "When the last check was made.", line.last_updated.timestamp() if line.last_updated else None),
    ]
    found = []
    for name, about, value in values:
        family = Family(name=name, kind=Kind.GAUGE, about=about)
        if value is not None:
            family.add(value)
        found.append(family)
    return found


def _told(families: list[Family], request: Request) -> Response:
    is_open = "application/openmetrics-text" in request.headers.get("accept", "")
    return Response(expose(families, is_open=is_open), headers={"Content-Type": OPEN if is_open else PLAIN})
