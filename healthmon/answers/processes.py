"""How are our own processes, and what do they use?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from healthmon.answers.wording import iso
from healthmon.errors import EngineError
from healthmon.model.process import TOTAL
from healthmon.processes.roles import is_held
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import ProgramInfo, SupervisorRpc
from healthmon.watch.wellbeing import BRAKE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.model.process import ProcessSample
    from healthmon.paths import Paths


class ProcessDocument(TypedDict):
    program: str
    state: ProgramState
    pid: int | None
    started_at: str | None
    sampled_at: str | None
    rss_bytes: int | None
    pss_bytes: int | None
    uss_bytes: int | None
    cpu_seconds: float | None
    threads: int | None
    open_files: int | None


def read(paths: Paths, names: Iterable[str], samples: Iterable[ProcessSample]) -> list[ProcessDocument]:
    """Return how the programs `names` are, with what each used at its last sample, and last what all used together."""
    states = _states(paths, names)
    used = {sample.program: sample for sample in samples}
    found = [_document(info, used.get(info.name)) for info in states]
    total = used.get(TOTAL)
    if total is None:
        return found
    oldest = min((info.started_at for info in states if info.started_at is not None), default=None)
    return [*found, _document(ProgramInfo(name=TOTAL, state=ProgramState.RUNNING, pid=total.pid, started_at=oldest), total)]


def unwell(paths: Paths, names: Iterable[str]) -> dict[str, ProgramState]:
    """Return the programs of `names` that should run and do not, with what supervisord calls that."""
    fine = {ProgramState.RUNNING, ProgramState.STARTING}
    found = {info.name: info.state for info in _states(paths, names) if info.state not in fine}
    return {name: state for name, state in found.items() if (name, state) != (BRAKE, ProgramState.STOPPED)}


def running(paths: Paths, names: Iterable[str]) -> dict[str, bool]:
    """Return which of the programs `names` run."""
    return {info.name: info.state is ProgramState.RUNNING for info in _states(paths, names)}


def _states(paths: Paths, names: Iterable[str]) -> list[ProgramInfo]:
    """Return what supervisord says; where it does not answer, who holds its role runs all the same."""
    try:
        told = {info.name: info for info in SupervisorRpc(paths.supervisor_socket).programs()}
    except EngineError:
        told = {}
    return [told.get(name) or _by_lock(paths, name) for name in names]


def _by_lock(paths: Paths, name: str) -> ProgramInfo:
    state = ProgramState.RUNNING if is_held(paths.lock(name)) else ProgramState.UNKNOWN
    return ProgramInfo(name=name, state=state, pid=0)


def _document(info: ProgramInfo, sample: ProcessSample | None) -> ProcessDocument:
    mine = sample if sample is not None and info.pid in {0, sample.pid} else None
    return ProcessDocument(
        program=info.name,
        state=info.state,
        pid=info.pid or None,
        started_at=None if info.started_at is None else iso(info.started_at),
        sampled_at=None if mine is None else iso(mine.sampled_at),
        rss_bytes=None if mine is None else mine.rss_bytes,
        pss_bytes=None if mine is None else mine.pss_bytes,
        uss_bytes=None if mine is None else mine.uss_bytes,
        cpu_seconds=None if mine is None else round(mine.cpu_s, 3),
        threads=None if mine is None else mine.threads,
        open_files=None if mine is None else mine.open_files,
    )
