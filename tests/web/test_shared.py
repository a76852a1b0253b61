"""An answer is made once for all who ask at the same time, and never says less than one's own would."""

from __future__ import annotations

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from healthmon.answers import overview
from healthmon.model.status import ServiceStatus
from healthmon.web import shared
from healthmon.web.shared import Shared
from tests.web.test_events import become

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.web.sites import Site

CROWD = 100


class Source:
    """What answers tell: the number of the last commit, read when their making begins."""

    def __init__(self, *, size: int = 0) -> None:
        self.commits_made = 0
        self.makings = 0
        self.size = size
        self.has_begun = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.shared = Shared(self.commits)
        self.handler = self.shared.of(self.answer)

    async def commits(self) -> int:
        await asyncio.sleep(0)
        return self.commits_made

    async def answer(self, _request: Request) -> Response:
        self.makings += 1
        self.has_begun.set()
        read = f"{self.commits_made}".encode()
        await self.goes_on.wait()
        return Response(read + b" " * self.size, headers={"ETag": f'W/"{read.decode()}"'})

    async def ask(self, path: str = "/", **headers: str) -> Response:
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return await self.handler(Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": named}))

    async def crowd(self) -> list[int]:
        return [int(bytes(one.body)) for one in await asyncio.gather(*(self.ask() for _ in range(CROWD)))]


def running(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(test())


@running
async def test_a_crowd_that_asks_at_once_is_answered_by_one_making() -> None:
    source = Source()
    assert await source.crowd() == [0] * CROWD
    assert source.makings == 1
    await source.crowd()
    assert source.makings == 1, "nobody wrote meanwhile"


@running
async def test_who_asks_after_a_commit_hears_of_it_though_an_older_answer_is_being_made() -> None:
    source = Source()
    source.goes_on.clear()
    early = asyncio.create_task(source.crowd())
    await source.has_begun.wait()
    source.commits_made = 7
    late = asyncio.create_task(source.crowd())
    await asyncio.sleep(0.01)
    source.goes_on.set()
    assert set(await early) <= {0, 7}
    assert await late == [7] * CROWD
    assert source.makings == 2


@running
async def test_commits_without_end_do_not_make_each_of_a_crowd_wait_for_its_own() -> None:
    source = Source()

    async def answer(_request: Request) -> Response:
        source.makings += 1
        source.commits_made += 1
        await asyncio.sleep(0.001)
        return Response(b"")

    source.handler = source.shared.of(answer)
    await asyncio.gather(*(source.ask() for _ in range(CROWD)))
    assert source.makings <= 2


@running
async def test_who_says_that_an_older_answer_will_do_gets_one() -> None:
    source = Source()
    await source.ask()
    source.commits_made = 1
    assert bytes((await source.ask(cache_control="max-age=1")).body) == b"0"
    assert bytes((await source.ask(cache_control="max-age=0")).body) == b"1"
    assert source.makings == 2


@running
async def test_other_questions_have_other_answers() -> None:
    source = Source()
    await asyncio.gather(source.ask("/"), source.ask("/?page=2"), source.ask("/", accept="application/openmetrics-text"))
    assert source.makings == 3


@running
async def test_an_answer_is_packed_for_who_takes_it_so_and_not_sent_to_who_has_it() -> None:
    source = Source(size=5_000)
    packed, plain, known = await asyncio.gather(source.ask(accept_encoding="gzip"), source.ask(), source.ask(if_none_match='W/"0"'))
    assert (packed.headers["content-encoding"], packed.headers["content-length"]) == ("gzip", str(len(packed.body)))
    assert gzip.decompress(packed.body) == bytes(plain.body)
    assert (plain.headers["vary"], packed.headers["vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert (known.status_code, bytes(known.body)) == (HTTPStatus.NOT_MODIFIED, b"")


def test_nothing_is_kept_for_longer_than_it_may_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "KEPT_S", 0.01)

    async def ask() -> None:
        source = Source()
        await source.crowd()
        await asyncio.sleep(0.05)
        assert not source.shared._places
        source.handler = source.shared.of(fails)
        for number in range(20):
            with pytest.raises(ZeroDivisionError):
                await source.ask(f"/{number}")
        await asyncio.sleep(0.05)
        assert not source.shared._places

    async def fails(_request: Request) -> Response:
        raise ZeroDivisionError

    asyncio.run(ask())


def test_a_crowd_makes_the_site_read_its_database_once_or_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, read = [], overview.read

    def counted(*given: Any) -> Any:
        reads.append(1)
        return read(*given)

    monkeypatch.setattr(overview, "read", counted)
    become(site, ServiceStatus.HEALTHY)
    with ThreadPoolExecutor(20) as crowd:
        told = list(crowd.map(lambda _: site.ask("/"), range(CROWD)))
    assert {one.status for one in told} == {200}
    assert len(reads) < CROWD / 4
    become(site, ServiceStatus.UNHEALTHY)
    assert "unhealthy" in site.ask("/").text
