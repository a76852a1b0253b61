"""What people do with `tools/install` that the document does not show: answer it, put it elsewhere, go back, take it away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.machine import ALL_WELL, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.machine import Machine

INSTALL = f"{PROJECT}/tools/install"
PREFIX, USER = "/srv/monitoring", "hmon"
DATA = "/opt/llm-ecosystem/data"
# Types in a terminal: `python3 - COMMAND {"what is said": "what is typed"}`; ends as the command does.
TYPIST = """
import json, os, pty, select, signal, sys, time
command, answers = sys.argv[1], json.loads(sys.argv[2])
pid, screen = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "-ic", command] if command != "bash" else ["bash", "-i"])
shown, seen = b"", 0
while True:
    if not select.select([screen], [], [], 120)[0]:
        os.kill(pid, signal.SIGKILL)
        break
    try:
        shown += os.read(screen, 4096)
    except OSError:
        break
    for said, typed in list(answers.items()):
        if said.encode() in shown[seen:]:
            seen = len(shown)
            time.sleep(0.3)  # as people do: a Ctrl-C between Python's question and its read would be lost in it
            os.write(screen, answers.pop(said).encode())
            break
sys.stdout.write(shown.decode(errors="replace"))
code = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(code) if not os.WIFSIGNALED(code) else 99)
"""


def typed(machine: Machine, command: str, answers: dict[str, str]) -> tuple[int, str]:
    """Run a command in a terminal and answer what it asks; return its exit status and all that was shown."""
    machine.must(f"cat >/tmp/typist.py <<'END'\n{TYPIST}\nEND")
    machine.must(f"cat >/tmp/answers.json <<'END'\n{json.dumps(answers)}\nEND")
    done = machine.root(f'cd / && python3 /tmp/typist.py "{command}" "$(cat /tmp/answers.json)"')
    return done.returncode, done.stdout + done.stderr


ONLY_HEALER, WHOLE_UNIT = "May only the healer use it", "May the whole unit use it?"
SOCKET = "systemctl show health-monitor -p SupplementaryGroups --value"
SOCKET_OF_HEALER = "systemctl show health-monitor-healer -p SupplementaryGroups --value"
FORGET = "rm /opt/llm-ecosystem/installation.json"  # and with it what was answered


def questions(machine: Machine) -> str:
    """It says what the Docker socket means, asks, and does what is answered; who interrupts it has changed nothing."""
    said = machine.must(f"{INSTALL} --dry-run")
    assert "A dry run asks nobody" in said, said
    assert "would make /opt/llm-ecosystem/data (0750" in said, said
    code, shown = typed(machine, INSTALL, {ONLY_HEALER: "\x03"})
    assert code == 130, f"{code}: {shown}"
    assert "as good as root" in shown, shown
    machine.must("test ! -e /opt/llm-ecosystem && test ! -e /etc/systemd/system/health-monitor.service && ! id llm-ecosystem 2>/dev/null")
    code, shown = typed(machine, INSTALL, {ONLY_HEALER: "no\n", WHOLE_UNIT: "\n"})
    assert (code, "Docker socket  nobody" in shown) == (0, True), shown
    assert machine.must(SOCKET) == ""
    pid = machine.must("systemctl show health-monitor -p MainPID --value")
    code, shown = typed(machine, INSTALL, {})
    assert (code, "up to date" in shown) == (0, True), f"asked again, or changed something: {shown}"
    assert machine.must("systemctl show health-monitor -p MainPID --value") == pid, "it was started anew for nothing"
    machine.must(FORGET)
    code, shown = typed(machine, INSTALL, {ONLY_HEALER: "y\n"})
    assert (code, "Docker socket  the healer alone" in shown) == (0, True), shown
    machine.wait(f"systemctl -q is-active health-monitor-healer && {ALL_WELL}", timeout_s=60)
    assert (machine.must(SOCKET), machine.must(SOCKET_OF_HEALER)) == ("", "docker")
    healers = machine.must("pgrep -f 'healthmon: [h]ealer$'").split()
    assert healers == [machine.must("systemctl show health-monitor-healer -p MainPID --value")], "a second healer, or none in its unit"
    machine.must(FORGET)
    code, shown = typed(machine, INSTALL, {ONLY_HEALER: "no\n", WHOLE_UNIT: "y\n"})
    assert (code, "Docker socket  the whole unit" in shown) == (0, True), shown
    assert machine.must(SOCKET) == "docker"
    machine.must("! systemctl cat health-monitor-healer 2>/dev/null && [ $(pgrep -fc 'healthmon: [h]ealer$') = 1 ]")
    code, shown = typed(machine, f"{INSTALL} --no-docker", {})
    assert (code, machine.must(SOCKET)) == (0, ""), shown
    machine.must(f"{INSTALL} --uninstall --purge && test ! -e /opt/llm-ecosystem/data && test ! -e /etc/healthmon && ! id llm-ecosystem 2>/dev/null")
    return ""


def elsewhere(machine: Machine) -> str:
    """Another directory and another account; taken away, configuration and data stay, and are found again."""
    said = machine.must(f"{INSTALL} --dry-run --no-docker --prefix {PREFIX} --user {USER}")
    assert "Nothing was changed" in said, said
    machine.must(f"test ! -e {PREFIX} && ! id {USER} 2>/dev/null")
    machine.must(f"{INSTALL} --no-docker --prefix {PREFIX} --user {USER}")
    machine.wait(ALL_WELL, timeout_s=30)
    owners = set(machine.must("ps -o user= -p $(pgrep -d, -f '^[h]ealthmon: ')").split())
    assert owners == {USER}, f"it runs as {owners}"
    assert machine.must(f"stat -c %U {PREFIX}/data/health_monitoring.db") == USER
    machine.must("healthmon status >/dev/null 2>&1; [ $? -le 1 ]")
    refused = machine.root(f"{INSTALL} --uninstall")
    assert (refused.returncode, "--prefix" in refused.stderr) == (3, True), refused.stderr
    machine.must("sed -i 's/\"check_interval_seconds\": 30/\"check_interval_seconds\": 29/' /etc/healthmon/health_monitoring_config.json")
    machine.must(f"{INSTALL} --uninstall --prefix {PREFIX}")
    machine.must(f"! systemctl cat health-monitor 2>/dev/null && ! command -v healthmon && test -s {PREFIX}/data/health_monitoring.db && id {USER}")
    machine.must(f"{INSTALL} --no-docker --prefix {PREFIX} --user {USER} && grep -q ': 29' /etc/healthmon/health_monitoring_config.json")
    machine.must(f"{INSTALL} --uninstall --purge --prefix {PREFIX} && test ! -e {PREFIX}/data && ! id {USER} 2>/dev/null")
    left = machine.must(f"find /etc /usr/local {PREFIX} -name '*healthmon*' -o -name 'health-monitor*' 2>/dev/null || true")
    assert left == "", f"left behind: {left}"
    return ""


def completions(machine: Machine) -> str:
    """Typed in real shells."""
    machine.must("DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends bash-completion fish zsh >/dev/null")
    # Its prompt is another than what is typed to get it: what is typed is shown, too.
    typing = {"# ": ". /usr/share/bash-completion/bash_completion; PS1='rea''dy: '\n", "ready: ": "healthmon incid\t\x15exit\n"}
    _, shown = typed(machine, "bash", typing)
    assert "healthmon incidents" in shown, shown
    assert "incidents" in machine.must("fish -c 'complete -C \"healthmon incid\"'")
    machine.must("zsh -n /usr/local/share/zsh/site-functions/_healthmon && zsh -fc 'autoload -U compinit && compinit -u && [ -n \"$_comps[healthmon]\" ]'")
    return ""


def no_way_back_unnoticed(machine: Machine) -> str:
    """After the upgrade to another schema: its copies are there, an older version is refused, and the advice is the way back."""
    assert machine.must("healthmon --version") == "healthmon 0.2.0"
    machine.must(f"sudo -u llm-ecosystem sqlite3 -readonly {DATA}/health_monitoring.db 'PRAGMA user_version; SELECT count(*) FROM shapes' | xargs | grep -qx '2 0'")
    machine.must(f"ls {DATA}/backups/before-schema-2-*.db {DATA}/backups/before-0.2.0-*.db")
    older = machine.must("rm -rf /tmp/older && git clone -q /srv/origin.git /tmp/older && cd /tmp/older && git checkout -q HEAD~1 && echo /tmp/older")
    pid = machine.must("systemctl show health-monitor -p MainPID --value")
    refused = machine.root(f"{older}/tools/install")
    assert refused.returncode == 3, refused.stdout
    assert machine.must("systemctl show health-monitor -p MainPID --value") == pid, "what ran was touched"
    advice = [line.strip() for line in refused.stderr.splitlines() if line.startswith("  ")]
    assert advice, refused.stderr
    machine.must(f"cd {older} && set -e\n" + "\n".join(advice))
    machine.wait(ALL_WELL, timeout_s=30)
    assert machine.must("healthmon --version") == "healthmon 0.1.0"
    checks = machine.must(f"sudo -u llm-ecosystem sqlite3 -readonly {DATA}/health_monitoring.db 'PRAGMA user_version; SELECT count(*) > 0 FROM health_checks'")
    assert checks.split() == ["1", "1"], checks
    return ""


def pulled(machine: Machine) -> str:
    """A checkout that runs as it lies there: what was pulled counts after a restart, and what else it needs is named."""
    there = "/opt/llm-ecosystem"
    machine.must(f"cd {there} && sed -i 's/^__version__ = .*/__version__ = \"0.2.1\"/' healthmon/__init__.py && systemctl restart health-monitor")
    assert machine.must(f"{there}/.venv/bin/healthmon --version") == "healthmon 0.2.1"
    machine.must(f"echo '# another package' >>{there}/tools/requirements.lock && systemctl restart health-monitor")
    return machine.must("journalctl -u health-monitor -n 100 -o cat --no-pager | grep 'tools/run --set-up' | tail -n 1")


def bad_file(machine: Machine) -> str:
    """A restart with a file that cannot be used goes on with what was applied last, and says so."""
    config = "/opt/llm-ecosystem/config/health_monitoring_config.json"
    machine.must(f"cp -p {config} /root/good.json && sed -i 's/\"services\"/\"servces\"/' {config} && systemctl restart health-monitor")
    machine.wait(ALL_WELL, timeout_s=30)
    said = machine.must("journalctl -u health-monitor -n 100 -o cat --no-pager | grep 'goes on with configuration' | tail -n 1")
    machine.must(f"cp -p /root/good.json {config} && systemctl reload health-monitor")
    return said


BEFORE: dict[str, Callable[[Machine], str]] = {
    "the installer's questions": questions,
    "another prefix and account": elsewhere,
}
AFTER: dict[str, Callable[[Machine], str]] = {
    "completion": completions,
    "an older version over a newer one": no_way_back_unnoticed,
}
IN_PLACE: dict[str, Callable[[Machine], str]] = {
    "a pull, and a restart": pulled,
    "a restart with a file that cannot be used": bad_file,
}
