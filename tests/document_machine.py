"""Runs every block of docs/HEALTH_MONITORING.md on a fresh Debian 12 with systemd, and what a host does to a service beside.

    tools/document [--restart COMMAND] [--kills N] EXEC...

EXEC is what runs a shell command as root on that machine, with the checkout in /home/user/project of its account `user`:
`tools/document docker exec fresh bash -lc`. COMMAND restarts the machine. A line a block; exit status 1 when one failed.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.document import blocks, configuration, script
from tests.earlier_script import taken_over
from tests.host_acts import ACTS, killed_as_a_whole
from tests.installer_acts import AFTER, BEFORE, IN_PLACE
from tests.machine import ALL_WELL, PATIENCE_S, PROJECT, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.document import Block

# A machine's systemd shares its mounts with what it starts; in a container it leaves them private, and LoadCredential= needs that.
PREPARE = f"""
set -e
mount --make-rshared /
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io logrotate busybox-static git >/dev/null
echo 'user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/user
printf '#!/bin/sh\\nexit 0\\n' >/usr/local/bin/nano; chmod +x /usr/local/bin/nano
mkdir -p /etc/docker
echo '{{"iptables": false, "bridge": "none", "storage-driver": "vfs"}}' >/etc/docker/daemon.json
systemctl restart docker && usermod -aG docker user
mkdir -p /tmp/image/bin /tmp/image/www && cp /bin/busybox /tmp/image/bin && echo '{{"status": "ok"}}' >/tmp/image/www/health
tar -C /tmp/image -c . | docker import - busybox:test >/dev/null
docker run -d --network host --name hackathon-interpreter-1 busybox:test /bin/busybox httpd -f -p 127.0.0.1:5120 -h /www >/dev/null
cd {PROJECT}
if [ ! -d .git ]; then
  install -d -o user -g user /srv/origin.git
  su user -c 'git init -q -b main && git add -A && git -c user.name=u -c user.email=u@localhost commit -qm first'
  su user -c 'git clone -q --bare . /srv/origin.git && git remote add origin /srv/origin.git && git fetch -q'
fi
"""
NEWER = """
set -e
git config --global --add safe.directory '*'
rm -rf /tmp/newer && git clone -q /srv/origin.git /tmp/newer && cd /tmp/newer
sed -i 's/0\\.1\\.0/0.2.0/' healthmon/__init__.py
sed -i 's/^SCHEMA_VERSION = 1$/SCHEMA_VERSION = 2/' healthmon/store/migrate.py
mkdir -p healthmon/store/migrations
echo 'CREATE TABLE shapes (shape TEXT) STRICT;' | tee healthmon/store/migrations/0002.sql >>healthmon/store/schema.sql
git add -A
git -c user.name=u -c user.email=u@localhost commit -qam newer && git push -q origin main
"""
BY_HAND = f"""
set -e
{PROJECT}/tools/install --uninstall --purge
rm -rf /opt/llm-ecosystem && git clone -q /srv/origin.git /opt/llm-ecosystem
"""


class Run:
    """Runs one thing after another, and says what came of each."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.failed = 0

    def one(self, name: str, act: Callable[[], str]) -> None:
        began = time.monotonic()
        try:
            said, word = act(), "PASS"
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.failed += 1
            said, word = str(error), "FAIL"
        print(f"{word} {name} {time.monotonic() - began:.1f}s {said}".rstrip(), flush=True)  # noqa: T201  its lines are what it is for

    def all(self, acts: Mapping[str, Callable[[Machine], str]]) -> None:
        for name, act in acts.items():
            self.one(name, partial(act, self.machine))

    def block(self, block: Block) -> None:
        self.one(block.name, lambda: self._commands(block) if block.is_command else self._configuration(block))

    def _commands(self, block: Block) -> str:
        if block.tag == "update":
            self.machine.must(NEWER)
        if '| grep "ALERT"' in block.text:
            self.machine.wait("journalctl -u health-monitor | grep -q ALERT", timeout_s=240)
        done = self.machine.user(script(block))
        assert done.returncode == 0, f"exit status {done.returncode}: {(done.stdout + done.stderr)[-600:]}"
        return ""

    def _configuration(self, block: Block) -> str:
        if not block.is_configuration:
            json.loads(block.text)
            return ""
        self.machine.must(f"cat >/tmp/shown.json <<'END'\n{configuration(block)}END\nchmod 0644 /tmp/shown.json")
        done = self.machine.user("cd /tmp && healthmon validate /tmp/shown.json")
        assert done.returncode == 0, done.stderr
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/document")
    parser.add_argument("--restart", help="what restarts the machine")
    parser.add_argument("--kills", type=int, default=3, help="how often everything is killed")
    parser.add_argument("exec_words", nargs=argparse.REMAINDER, metavar="EXEC")
    given = parser.parse_args()
    machine = Machine(exec_words=tuple(given.exec_words))
    run = Run(machine)
    run.one("prepare the machine", lambda: machine.must(PREPARE))
    if run.failed:
        return 1
    run.all(BEFORE)
    run.one("the earlier script is taken over", partial(taken_over, machine))
    shown = [block for block in blocks() if block.language != "text"]
    for block in shown:
        if block.tag != "by-hand":
            run.block(block)
    run.all(AFTER)
    run.all(ACTS)
    run.one("everything is killed", partial(killed_as_a_whole, machine, kills=given.kills))
    if given.restart:
        run.one("a reboot", lambda: _reboot(machine, given.restart))
    run.one("everything is taken away", lambda: machine.must(BY_HAND))
    for block in shown:
        if block.tag == "by-hand":
            run.block(block)
    run.one("the service installed by hand", lambda: f"{machine.wait(ALL_WELL, timeout_s=30):.1f} s")
    run.all(IN_PLACE)
    return 1 if run.failed else 0


def _reboot(machine: Machine, command: str) -> str:
    subprocess.run(shlex.split(command), check=True, capture_output=True, timeout=PATIENCE_S)
    return f"well again after {machine.wait(ALL_WELL, timeout_s=120):.1f} s"


if __name__ == "__main__":
    sys.exit(main())
