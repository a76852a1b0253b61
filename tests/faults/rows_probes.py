"""Services that misbehave in HTTP, asked by a real agent: F57 to F59, and the controls that must be caught."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.containers import wait_for
from tests.faults import looks
from tests.faults.asking import BOUND_S, Asked, Ill, asking
from tests.faults.controls import caught, planted
from tests.faults.harness import row
from tests.hostile import Server, answers, drips, is_deaf, is_silent, pours, request_of, sends, zipped

if TYPE_CHECKING:
    import socket

    from tests.faults.asking import Handler

OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
READY = {"expect": {"body": "ready"}}
MAX_THREADS_BESIDE = 10  # the prober's own, and those that ask the healthy services
LOOKS_EACH = 4
MAX_GROWTH_MIB = 16
BOMB_BYTES = 300_000_000
CONTROL_BOMB_BYTES = 50_000_000  # plain requests needs five times as much
HOPS = 5
SECRET = "Bearer s3cret-of-nobody"
METADATA = "http://169.254.169.254/latest/meta-data/"

HANGING = {
    "body-drip": Ill(drips(OK_HEAD + b"Content-Length: 100000\r\n\r\n", b"x"), "the body was not complete within", READY),
    "header-drip": Ill(drips(OK_HEAD, b"X-More: 1\r\n"), "the headers were not complete within"),
    "endless-1xx": Ill(drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "only interim answers such as 100 Continue within"),
    "silent": Ill(is_silent, "no answer within"),
    "deaf": Ill(is_deaf, "no answer within"),
}


def _judge_hanging(asked: Asked) -> float:
    """Hold the looks at services that hang to their bound, as the services themselves see it and as the agent tells it."""
    prober = psutil.Process(asked.host.pids()["probe-core"])
    asked.wait_for_looks(HANGING, LOOKS_EACH)
    # As many as looks are in flight, how many that is is chance; had each that hung kept its thread, they would be far more.
    threads = prober.num_threads()
    assert threads <= len(HANGING) + MAX_THREADS_BESIDE, f"the prober has {threads} threads after {len(HANGING) * LOOKS_EACH} looks that hung"
    return asked.judge()


@row("F57", "body drip, header drip, endless 1xx, silence: each look ends in time and says why, the others are on schedule", bound_s=BOUND_S, alone=True)
def hanging() -> float:
    with asking(HANGING) as asked:
        return _judge_hanging(asked)


@row("F57-control", "a probe of plain `requests` is caught by the same judge", bound_s=15)
def hanging_control() -> float:
    with planted("tests.faults.planted_probes"), asking(HANGING) as asked:
        return caught(partial(_judge_hanging, asked), saying="held its service for")


HUGE = {
    "gigabyte": Ill(pours(OK_HEAD + b"Content-Length: 1000000000\r\n\r\n", bytes(65_536)), "larger than the 256 KiB", READY),
    "99-headers": Ill(sends(OK_HEAD + (b"X: " + b"y" * 60_000 + b"\r\n") * 99 + b"\r\n"), "larger than 512 KiB"),
    "endless-chunks": Ill(pours(CHUNKED, b"1000\r\n" + bytes(4_096) + b"\r\n"), "larger than the 256 KiB", READY),
}


def _bomb(size: int) -> dict[str, Ill]:
    return {"gzip-bomb": Ill(answers(headers=["Content-Encoding: gzip"], body=zipped(size)), "larger than the 256 KiB", READY)}


def _judge_huge(asked: Asked) -> float:
    """Let the services answer well at first, and weigh the prober's peak against what it had then."""
    process = Path("/proc", str(asked.host.pids()["probe-core"]))
    asked.wait_for_looks(asked.servers, 2)
    (process / "clear_refs").write_text("5")  # the peak begins anew
    before = _mib(process, "VmRSS")
    asked.turn_ill()

    def swallowed() -> bool:
        grown = _mib(process, "VmHWM") - before
        assert grown <= MAX_GROWTH_MIB, f"the prober grew by {grown:.0f} MiB"
        found = looks.of(asked.servers, looks.looks(asked.host))
        return all(sum(look.reason != "ok" for look in mine) >= 3 for mine in found.values())

    wait_for(swallowed, timeout_s=20, what="three hostile looks of each")
    return asked.judge()


def _mib(process: Path, field: str) -> float:
    [line] = [line for line in (process / "status").read_text().splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) / 1024


@row("F58", "1 GB body, gzip bomb, 99 x 60 kB of headers, endless chunks: cut off in time, within 16 MiB", bound_s=BOUND_S, alone=True)
def huge() -> float:
    with asking(HUGE | _bomb(BOMB_BYTES), at_first=answers(body=b"ready")) as asked:
        return _judge_huge(asked)


@row("F58-control", "a probe of plain `requests` that swallows a gzip bomb is caught by the same judge", bound_s=30, in_ci=False)
def huge_control() -> float:
    bomb = _bomb(CONTROL_BOMB_BYTES)
    with planted("tests.faults.planted_probes"), asking(bomb, at_first=answers(body=b"ready")) as asked:
        return caught(partial(_judge_huge, asked), saying="the prober grew by")


def _leads_on(connection: socket.socket, server: Server) -> None:
    """Redirect to the next number, for ever."""
    last = request_of(connection, server).split()[1].rpartition(b"/")[2]
    following = int(last) + 1 if last.isdigit() else 1
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % following)


def _to(location: str) -> Handler:
    return answers(status="302 Found", headers=[f"Location: {location}"])


@row("F59", "redirects: a loop, to a file, to a cloud's keys, to another host, which must not get the credentials", bound_s=BOUND_S, alone=True)
def redirects() -> float:
    own = {"headers": {"Authorization": SECRET, "X-Api-Key": SECRET}}
    with Server(answers(), host="127.0.0.2") as stranger:
        elsewhere = f"http://127.0.0.2:{stranger.port}/taken"
        ills = {
            "loop": Ill(_leads_on, f"more than {HOPS} redirects", own),
            "file": Ill(_to("file:///etc/passwd"), "only http and https are followed"),
            "metadata": Ill(_to(METADATA), "redirected to 169.254.169.254, a link-local address"),
            "elsewhere": Ill(_to(elsewhere), "", own),
        }
        with asking(ills) as asked:
            asked.wait_for_looks(ills, 3)
            longest_s = asked.judge()
            _assert_kept_secret(asked, stranger)
    return longest_s


def _assert_kept_secret(asked: Asked, stranger: Server) -> None:
    at_home = [*asked.servers["loop"].requests, *asked.servers["elsewhere"].requests]
    assert all(SECRET.encode() in head for head in at_home), "the service's own host did not get the credentials"
    hops = max(int(head.split()[1].rpartition(b"/")[2]) for head in at_home if head.split()[1] != b"/health")
    assert hops == HOPS, f"{hops} redirects were followed"
    assert stranger.requests, "the redirect to another host was not followed"
    assert not any(SECRET.encode() in head for head in stranger.requests), "another host got the credentials"
    told = "".join(asked.host.log(name) for name in asked.host.programs) + str(asked.host.rows(looks.QUERY))
    assert SECRET not in told, "the credentials are in a log or in the database"
