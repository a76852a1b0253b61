"""What services say that is wrong or meant to harm, and how it is told: F60 and F62."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests import hostile
from tests.containers import wait_for
from tests.faults.asking import BOUND_S, Ill, asking
from tests.faults.harness import row
from tests.hostile import Server, answers, hangs_up, in_tls, is_deaf, resets, sends, signed_by

if TYPE_CHECKING:
    import socket

    from tests.faults.agents import Agent
    from tests.faults.asking import Handler

HERE = "IP:127.0.0.1"
CHAIN_BYTES = 1_000_000
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
READY = {"expect": {"body": "ready"}}
MAX_LINE_BYTES = 4_096
MAX_TOLD_BYTES = 2_048
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # all but a line's end
RECORD = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ [\w-]+ \w+")
EVIL = b"\x1b[2J\x1b]0;pwned\x07 \x9b31m <script>alert(1)</script> \xe2\x80\xae"
TEXTS = ("SELECT error_message FROM checks", "SELECT last_error FROM service_states", "SELECT error_message FROM incidents")


def _after_hello(said: bytes) -> Handler:
    """Wait for the client to begin its handshake, and say something that is not TLS."""

    def handle(connection: socket.socket, _server: Server) -> None:
        connection.recv(4_096)
        connection.sendall(said)

    return handle


def _wrong_in_tls(directory: Path) -> dict[str, Ill]:
    authority = hostile.self_signed(directory, name="authority", host="DNS:authority")
    trusted = {"tls": {"ca_file": str(authority.chain)}}
    good = signed_by(authority, name="good", host=HERE)
    long = hostile.Certificate(chain=directory / "long.pem", key=good.key)
    text = good.chain.read_bytes()
    long.chain.write_bytes(text + authority.chain.read_bytes() * (CHAIN_BYTES // 400))
    certificates = {
        "good": (good, ""),
        "expired": (signed_by(authority, name="old", host=HERE, days=-1), "the certificate has expired"),
        "other-host": (signed_by(authority, name="other", host="IP:127.0.0.2"), "the certificate is for another address"),
        "other-name": (signed_by(authority, name="named", host="DNS:elsewhere.example"), "the certificate is for another"),
        "self-signed": (hostile.self_signed(directory, name="own", host=HERE), "the certificate is self-signed"),
        "long-chain": (long, "excessive message size"),
    }
    ills = {name: Ill(in_tls(made, answers()), told, trusted, "https") for name, (made, told) in certificates.items()}
    return {
        **ills,
        "silent": Ill(is_deaf, "no TLS handshake within", scheme="https"),
        "noise": Ill(_after_hello(bytes(range(128, 256)) * 20), "does not speak TLS", scheme="https"),
        "plain-http": Ill(_after_hello(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "answers in plain HTTP", scheme="https"),
        "cut-off": Ill(_after_hello(b""), "the TLS handshake was cut off", scheme="https"),
    }


@row("F60", "TLS: silent, noise, plain HTTP, cut off, expired, other host, self-signed, 1 MB chain: each in time, each told", bound_s=BOUND_S, alone=True)
def wrong_in_tls() -> float:
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:
        ills = _wrong_in_tls(Path(directory))
        with asking(ills) as asked:
            asked.wait_for_looks(ills, 3)
            return asked.judge()


MEANT_TO_HARM = {
    "reset": Ill(resets, "the connection was cut by"),
    "cut-before-status": Ill(hangs_up, "closed before an answer"),
    "short-body": Ill(sends(OK_HEAD + b"Content-Length: 99\r\n\r\nready"), "breaks off", READY),
    "bad-chunk": Ill(sends(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + EVIL), "breaks off", READY),
    "binary-status": Ill(sends(bytes(range(256)) + b"\r\n\r\n"), "the answer is not HTTP"),
    "evil-status": Ill(sends(EVIL * 500 + b"\r\n\r\n"), "the answer is not HTTP: ' [2J ]0;pwned"),
    "evil-reason": Ill(sends(b"HTTP/1.1 500 " + EVIL + b"\rgood\r\n\r\n"), "expected 200-299, got 500  [2J ]0;pwned"),
    "long-reason": Ill(sends(b"HTTP/1.1 500 " + EVIL * 500 + b"\r\n\r\n"), "expected 200-299, got 500  [2J ]0;pwned"),
    "evil-header": Ill(sends(OK_HEAD + b"X: " + EVIL + b"\r\n\r\n"), "expected the header X: y, got", {"expect": {"headers": {"X": "y"}}}),
    "evil-body": Ill(answers(body=EVIL + "\u2028\u202e\U0001f4a5".encode() * 9_000), "expected 'ready' in the body, got", READY),
    "evil-json": Ill(answers(body=b'{"a": "\\u001b[2J\\u202e\\n"}'), "expected a to be 1, got", {"expect": {"json_path": {"a": 1}}}),
    "evil-redirect": Ill(answers(status="302 Found", headers=["Location: http://[\x1b[2Jpwned"]), "which is not a URL"),
    "evil-scheme": Ill(answers(status="302 Found", headers=["Location: evil://\x1b[2Jpwned"]), "redirected to"),
}


@row("F62", "reset, cut, broken and evil answers: one harmless line each in logs, database, `status` and `report`", bound_s=BOUND_S, in_ci=False)
def meant_to_harm() -> float:
    with asking(MEANT_TO_HARM) as asked:
        asked.wait_for_looks(MEANT_TO_HARM, 3)
        wait_for(lambda: list(asked.host.statuses().values()).count("unhealthy") == len(MEANT_TO_HARM), what="all to be unhealthy")
        longest_s = asked.judge()
        _assert_harmless(asked.host)
    return longest_s


def _assert_harmless(host: Agent) -> None:
    for path in host.paths.logs.glob("*.log"):
        for line in path.read_bytes().splitlines():
            _assert_plain(line, path.name, at_most=MAX_LINE_BYTES)
            assert path.stem not in host.programs or RECORD.match(line.decode()), f"{path.name} has a line that is no record: {line!r}"
    for query in TEXTS:
        told = [text.encode() for (text,) in host.rows(query) if text]
        assert len(told) >= len(MEANT_TO_HARM), f"only {len(told)} texts in: {query}"
        for text in told:
            assert b"\n" not in text, f"more than a line in: {query}"
            _assert_plain(text, query, at_most=MAX_TOLD_BYTES)
    for words in (["status"], ["status", "--json"], ["report"], ["dashboard"]):
        done = host.ask(*words)
        assert "pwned" in done.stdout, f"`{words[0]}` ended with {done.returncode} and does not tell what was said: {done.stderr or done.stdout!r}"
        _assert_plain((done.stdout + done.stderr).encode(), f"what `{' '.join(words)}` prints", at_most=1_000_000)


def _assert_plain(raw: bytes, where: str, *, at_most: int) -> None:
    assert len(raw) <= at_most, f"{len(raw)} bytes in {where}"
    found = CONTROL.search(raw.decode())
    assert found is None, f"a control character in {where}: {found}"
