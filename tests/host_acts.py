"""What a host does to a service that runs: stops it, freezes it, kills it, turns its logs away. Each returns what it saw."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from tests.machine import ALL_WELL, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.machine import Machine

READY_WITHIN_S, BACK_WITHIN_S, HEALER_STOPS_WITHIN_S = 5.0, 15.0, 5.0
THAWED_WITHIN_S, HEALER_THAWED_WITHIN_S = 60.0, 45.0


def start_to_ready(machine: Machine) -> str:
    machine.must("systemctl stop health-monitor")
    began = time.monotonic()
    machine.must("systemctl start health-monitor")
    took = time.monotonic() - began
    return f"ready after {took:.1f} s (asked: {READY_WITHIN_S:g} s, on a quiet machine)"


def stop(machine: Machine) -> str:
    machine.wait(ALL_WELL, timeout_s=60)
    began = time.monotonic()
    machine.must("systemctl stop health-monitor")
    took = time.monotonic() - began
    assert took < 20, f"it took {took:.1f} s"
    machine.must("systemctl start health-monitor")
    return f"stopped after {took:.1f} s"


def frozen_worker(machine: Machine) -> str:
    pid = machine.must("pgrep -f 'healthmon: [p]robe-core'")
    machine.must(f"kill -STOP {pid}")
    took = machine.wait(f"new=$(pgrep -f 'healthmon: [p]robe-core') && [ $new != {pid} ] && {ALL_WELL}", timeout_s=90)
    return f"replaced after {took:.1f} s"


def frozen_watchdog(machine: Machine) -> str:
    return _frozen(machine, "kill -STOP $(pgrep -f 'healthmon: [w]atchdog')")


def frozen_supervisord(machine: Machine) -> str:
    return _frozen(machine, "kill -STOP $(systemctl show health-monitor -p MainPID --value)")


def frozen_as_a_whole(machine: Machine) -> str:
    return _frozen(machine, "systemctl kill --kill-who=all -s STOP health-monitor")


def _frozen(machine: Machine, freeze: str) -> str:
    """Freeze what systemd alone can help."""
    pid = machine.must("systemctl show health-monitor -p MainPID --value")
    machine.must(freeze)
    took = machine.wait(_another_than(pid), timeout_s=120)
    return f"well again after {took:.1f} s (asked: {THAWED_WITHIN_S:g} s, on a quiet machine)"


def _another_than(pid: str) -> str:
    """Return what is true when systemd has started it anew, and all of it is well."""
    return f"new=$(systemctl show health-monitor -p MainPID --value) && [ $new != 0 ] && [ $new != {pid} ] && systemctl -q is-active health-monitor && {ALL_WELL}"


def killed_as_a_whole(machine: Machine, *, kills: int) -> str:
    took = []
    for _ in range(kills):
        pid = machine.must("systemctl show health-monitor -p MainPID --value")
        machine.must("systemctl kill --kill-who=all -s KILL health-monitor")
        took.append(machine.wait(_another_than(pid), timeout_s=60))
        names = machine.must("pgrep -af '^[h]ealthmon: ' | cut -d' ' -f2-").splitlines()
        assert sorted(names) == sorted(set(names)), f"two of one: {sorted(names)}"
    machine.must("sudo -u llm-ecosystem sqlite3 -readonly /opt/llm-ecosystem/data/health_monitoring.db 'PRAGMA integrity_check' | grep -qx ok")
    middle, worst = statistics.median(took), max(took)
    return f"{kills} times, well again after {middle:.1f} s, {worst:.1f} s at most (asked: {BACK_WITHIN_S:g} s, on a quiet machine)"


def turned_log(machine: Machine) -> str:
    log = "/opt/llm-ecosystem/data/logs/evaluator.log"
    machine.must("logrotate -f /etc/logrotate.d/health-monitor && healthmon log-level DEBUG --for 1m && sleep 3 && healthmon log-level configured")
    machine.must(f"grep -q log_level {log} && ls {log}.1*")
    return ""


def secret(machine: Machine) -> str:
    machine.must("grep -q LoadCredential=smtp_password /etc/systemd/system/health-monitor.service.d/credentials.conf")
    config = "/etc/healthmon/health_monitoring_config.json"
    machine.must(f"cp -p {config} /root/before.json && sed -i 's/\"app_password_here\"/\"${{cred:smtp_password}}\"/' {config} && grep -q cred:smtp {config}")
    machine.must("systemctl restart health-monitor && healthmon status >/dev/null; [ $? -le 1 ]")
    machine.must("healthmon log-level DEBUG --for 1m && sleep 5 && healthmon log-level configured")
    places = (
        "grep -rl the-real-password /opt/llm-ecosystem/data",
        "journalctl -u health-monitor | grep the-real-password",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep the-real-password",
    )
    found = [machine.root(place.replace("real-p", "real-[p]")).stdout for place in places]
    machine.must(f"cp -p /root/before.json {config} && systemctl restart health-monitor")
    assert found == ["", "", ""], f"the secret is in {found}"
    return ""


def lost_file(machine: Machine) -> str:
    """The configuration is removed by mistake, then a restart: watching goes on, it is told, and the file can be had again, in two ways."""
    config = "/etc/healthmon/health_monitoring_config.json"
    again = f"healthmon config applied | install -m 0640 -g llm-ecosystem /dev/stdin {config} && systemctl reload health-monitor"
    for restore in (again, f"cd {PROJECT} && tools/install && systemctl reload health-monitor"):
        machine.must(f"mv {config} /root/lost.json && systemctl restart health-monitor")
        machine.wait(ALL_WELL, timeout_s=30)
        machine.must("journalctl -u health-monitor -n 100 -o cat --no-pager | grep -q 'goes on with configuration'")
        machine.must("healthmon status 2>&1 >/dev/null | grep 'the file is gone'")
        machine.must("healthmon doctor | grep 'healthmon config applied'")
        machine.must("healthmon alerts 2>/dev/null | grep configuration_refused")
        machine.must(restore)
        machine.must(f"cmp {config} /root/lost.json && [ $(stat -c %a:%G {config}) = 640:llm-ecosystem ]")
        machine.must("! healthmon alerts 2>/dev/null | grep configuration_refused")
    return ""


def exposure(machine: Machine) -> str:
    return f"{_exposed(machine, 'health-monitor', most=2.0)} of 10"


def _exposed(machine: Machine, unit: str, *, most: float) -> float:
    found = machine.must(f"systemd-analyze security {unit} --no-pager | tail -n 1")
    score = float(found.split(": ")[1].split()[0])
    assert score <= most, found
    return score


def stranger(machine: Machine) -> str:
    done = machine.user("cd /tmp && healthmon status")
    assert done.returncode == 2, done.stdout
    assert "sudo healthmon status" in done.stderr, done.stderr
    done = machine.user(f"{PROJECT}/tools/install --dry-run")
    assert (done.returncode, done.stderr.splitlines()[-1].endswith("sudo tools/install --dry-run")) == (3, True), done.stderr
    return ""


def priorities(machine: Machine) -> str:
    lines = machine.must("journalctl -u health-monitor -o json --no-pager | jq -r '\"\\(.PRIORITY) \\(.MESSAGE)\"'").splitlines()
    wrong = [line for line in lines if " ALERT " in line and not line.startswith("3 ERROR")]
    assert wrong == [], f"an alert with another priority: {wrong[:3]}"
    repeated = [line for line in set(lines) if "look " not in line and lines.count(line) > 30]
    assert repeated == [], f"said again and again: {repeated[:3]}"
    return f"{len(lines)} records"


HEALING = """
import json
path = "/etc/healthmon/health_monitoring_config.json"
config = json.load(open(path))
config["self_healing"] |= {"enabled": True, "restart_unhealthy_services": True, "storm_guard": False}
config["self_healing"] |= {"startup_hold_seconds": 0, "start_grace_seconds": 0, "min_unhealthy_seconds": 1}
config |= {"check_interval_seconds": 2, "timeout_seconds": 1}
for service in config["services"]:
    service.pop("depends_on", None)
open(path, "w").write(json.dumps(config))
"""


INSIDE = "cd /proc/$(pgrep -f '[h]ttpd -f -p 127.0.0.1:5120')/root/www"  # what the container serves


def split_healer(machine: Machine) -> str:
    machine.must(f"cd {PROJECT} && tools/install --split-healer")
    machine.must(f"python3 - <<'END'\n{HEALING}\nEND\nsystemctl reload health-monitor")
    machine.wait(f"systemctl is-active health-monitor-healer && {ALL_WELL}", timeout_s=60)
    status = "healthmon report 2>/dev/null | jq -r '.services[] | select(.service_name == \"interpreter\") | .current_status'"
    machine.wait(f"[ $({status}) = healthy ]", timeout_s=60)
    started = machine.must("docker inspect -f '{{.State.StartedAt}}' hackathon-interpreter-1")
    # It answers, and wrongly: what is silent would be excused for minutes on a host that tests keep busy.
    machine.must(f"{INSIDE} && mv health gone")
    took = machine.wait(f"[ $(docker inspect -f '{{{{.State.StartedAt}}}}' hackathon-interpreter-1) != {started} ]", timeout_s=120)
    machine.wait(f"{INSIDE} && mv gone health", timeout_s=30)
    done = machine.root("su llm-ecosystem -s /bin/sh -c 'docker ps'")
    assert done.returncode != 0, "the account itself can use Docker"
    score = _exposed(machine, "health-monitor-healer", most=1.0)
    began = time.monotonic()
    machine.must("systemctl stop health-monitor-healer")
    stopped = time.monotonic() - began
    assert stopped < HEALER_STOPS_WITHIN_S, f"it took {stopped:.1f} s to stop"
    machine.must("systemctl start health-monitor-healer")
    thawed = _frozen_healer(machine)
    return f"restarted by the healer's unit after {took:.1f} s; exposure {score}, stopped after {stopped:.1f} s; frozen, well again after {thawed:.1f} s"


def _frozen_healer(machine: Machine) -> float:
    """Freeze the healer in its unit: systemd replaces it, and nothing else."""
    pid = machine.must("systemctl show health-monitor-healer -p MainPID --value")
    main = machine.must("systemctl show health-monitor -p MainPID --value")
    machine.must(f"kill -STOP {pid}")
    is_back = f"new=$(systemctl show health-monitor-healer -p MainPID --value) && [ $new != 0 ] && [ $new != {pid} ] && {ALL_WELL}"
    took = machine.wait(is_back, timeout_s=90)
    assert took < 2 * HEALER_THAWED_WITHIN_S, f"it took {took:.1f} s"  # what is asked for holds on a quiet machine
    assert machine.must("systemctl show health-monitor -p MainPID --value") == main, "the others were started anew, too"
    return took


ACTS: dict[str, Callable[[Machine], str]] = {
    "start to ready": start_to_ready,
    "exposure": exposure,
    "a restart without its file": lost_file,
    "a stop": stop,
    "another account": stranger,
    "a secret by LoadCredential": secret,
    "priorities in the journal": priorities,
    "logs turned away": turned_log,
    "a worker is frozen": frozen_worker,
    "the watchdog is frozen": frozen_watchdog,
    "supervisord is frozen": frozen_supervisord,
    "everything is frozen": frozen_as_a_whole,
    "a restart by a healer in a unit of its own": split_healer,
}
