"""What do the programs that run in forks of one process have to load, or to write, for themselves alone?"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# A process of its own: what this one has loaded, and where its heap has holes, says nothing.
PREPARED = """
import ctypes, json, sys
from pathlib import Path
from healthmon import applied
from healthmon.processes import configuring, entry, prober, programs, sharing
from healthmon.processes.directories import prepare_directories
from healthmon.paths import Paths

source = Path(sys.argv[1])
paths = Paths(data_dir=source.parent, database=source.parent / "health_monitoring.db")
prepare_directories(paths)
configuring.start(source, author="a test", newest=0, without=())
sharing.prepare(paths)
known = set(sys.modules)
for program in applied.require(paths).programs:
    entry._maker(program)
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = sharing._Heap
heap = libc.mallinfo2()
print(json.dumps({"loaded": sorted(set(sys.modules) - known), "holes": heap.fordblks - heap.keepcost, "ready": sorted(prober._ready)}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    directory: Path = tmp_path_factory.mktemp("shared")
    source = directory / "config.json"
    services: list[dict[str, object]] = [{"name": "a", "url": "http://127.0.0.1:1/"}, {"name": "b", "url": "http://127.0.0.1:1/", "group": "core"}]
    services.append({"name": "c", "type": "command", "command": ["/bin/true"]})
    source.write_text(json.dumps({"data_dir": str(directory), "services": services}), encoding="utf-8")
    said = subprocess.run([sys.executable, "-P", "-c", PREPARED, str(source)], capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(said.stdout)
    return answer


def test_no_program_loads_a_library_that_the_others_could_share(found: dict[str, object]) -> None:
    assert found["loaded"] == []


def test_no_program_puts_its_own_into_a_hole_between_what_all_share(found: dict[str, object]) -> None:
    """Of some 300 KiB of holes, those remain that are too small for anything, and what ctypes itself has let go since."""
    holes = found["holes"]
    assert isinstance(holes, int)
    assert holes < 32 * 1024


def test_only_requests_are_made_before_the_fork(found: dict[str, object]) -> None:
    """Other probes may hang or begin threads, which is their own group's trouble."""
    assert found["ready"] == ["a", "b"]
