"""The demo's services as containers of the local Docker Engine: the only Docker code of the demo."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import APIError, DockerException, NotFound

from healthmon.demo.ecosystem import HOST, Member, free_ports
from healthmon.errors import EngineError, EngineUnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from docker.models.containers import Container
    from docker.models.networks import Network

TARGET = "container"
LABEL = "healthmon.demo"  # its value is the pid of the demo: what a killed one left behind is removed by the next
IMAGE = "healthmon-demo"
PORT = "8080/tcp"
BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")
ENTRYPOINT = b"""#!/busybox sh
/busybox mkdir -p /www
echo '{"status": "healthy"}' > /www/health
exec /busybox httpd -f -p 8080 -h /www
"""


class ContainerEcosystem:
    """Containers as Compose would make them, on a network of their own, reachable from this machine only."""

    def __init__(self, names: Sequence[str]) -> None:
        busybox = _busybox()
        self._engine = _engine()
        self._remove_leftovers()
        self._project = f"{IMAGE}-{os.getpid()}"
        self.members = [
            Member(name=name, port=port, target=(TARGET, f"{self._project}-{name}-1"))
            for name, port in zip(names, free_ports(len(names)), strict=True)
        ]
        try:
            self._start(busybox)
        except BaseException as error:
            self.close()
            if isinstance(error, DockerException):
                raise EngineError(f"the Docker Engine did not start the demo's containers: {error}") from error
            raise

    def make_ill(self, name: str) -> str:
        container = self._engine.containers.get(f"{self._project}-{name}-1")
        container.exec_run(["/busybox", "rm", "/www/health"])
        return "it answers /health with 404 from now on, until its container is restarted"

    def close(self) -> None:
        """Remove the containers, the network and the image of this demo."""
        _remove(self._containers(f"{LABEL}={os.getpid()}"), self._networks(f"{LABEL}={os.getpid()}"))
        with suppress(APIError):  # another demo uses it
            self._engine.images.remove(IMAGE)
        self._engine.close()

    def _start(self, busybox: Path) -> None:
        self._engine.api.import_image_from_data(_image(busybox), repository=IMAGE, tag="latest", changes=['ENTRYPOINT ["/entrypoint"]'])
        network = self._engine.networks.create(self._project, driver="bridge", labels={LABEL: str(os.getpid())})
        for member in self.members:
            self._engine.containers.run(
                IMAGE,
                name=member.target[1],
                detach=True,
                labels={
                    LABEL: str(os.getpid()),
                    "com.docker.compose.project": self._project,
                    "com.docker.compose.service": member.name,
                    "com.docker.compose.container-number": "1",
                },
                network=str(network.name),
                ports={PORT: (HOST, member.port)},
                stop_signal="SIGKILL",  # process 1 of a container ignores SIGTERM, and would be waited for
            )

    def _remove_leftovers(self) -> None:
        _remove(
            [container for container in self._containers(LABEL) if _is_orphan(container.labels)],
            [network for network in self._networks(LABEL) if _is_orphan((network.attrs or {}).get("Labels") or {})],
        )

    def _containers(self, label: str) -> list[Container]:
        return self._engine.containers.list(all=True, filters={"label": label}, ignore_removed=True)

    def _networks(self, label: str) -> list[Network]:
        return self._engine.networks.list(filters={"label": label})


def _engine() -> docker.DockerClient:
    try:
        engine = docker.DockerClient(base_url="unix:///var/run/docker.sock", timeout=60)
        engine.ping()
    except DockerException as error:
        raise EngineUnreachableError(
            f"no Docker Engine answers on /var/run/docker.sock ({error}): start one, be in its group, or leave out --docker",
        ) from error
    return engine


def _busybox() -> Path:
    for place in (*BUSYBOX, shutil.which("busybox") or ""):
        if place and _is_static(Path(place)):
            return Path(place)
    raise UsageError("`healthmon demo --docker` builds its image around a static busybox, and there is none: apt install busybox-static")


def _is_static(program: Path) -> bool:
    """Tell whether a program asks for no dynamic loader: an image FROM scratch has none."""
    return program.is_file() and b"/ld-" not in program.read_bytes()[:4096]


def _image(busybox: Path) -> bytes:
    """Return the image's only layer."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, content in (("busybox", busybox.read_bytes()), ("entrypoint", ENTRYPOINT)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return layer.getvalue()


def _is_orphan(labels: Mapping[str, str]) -> bool:
    return not Path("/proc", labels[LABEL]).exists()


def _remove(containers: list[Container], networks: list[Network]) -> None:
    for container in containers:
        with suppress(NotFound):
            container.remove(force=True)
    for network in networks:
        with suppress(NotFound):
            network.remove()
