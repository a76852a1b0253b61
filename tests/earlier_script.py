"""The earlier script as it runs on somebody's host: its unit, its configuration, its database with a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.machine import PROJECT

if TYPE_CHECKING:
    from tests.machine import Machine

PLANT = """
set -e
mkdir -p /opt/llm-ecosystem/scripts/monitoring /opt/llm-ecosystem/config
cat >/opt/llm-ecosystem/scripts/monitoring/automated_health_monitoring.py <<'END'
import sqlite3, time
with sqlite3.connect("health_monitoring.db") as db:
    db.execute("CREATE TABLE IF NOT EXISTS health_checks (id INTEGER PRIMARY KEY AUTOINCREMENT, service_name TEXT, status TEXT, response_time REAL, status_code INTEGER, error_message TEXT, timestamp TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS alerts (id INTEGER PRIMARY KEY AUTOINCREMENT, service_name TEXT, alert_type TEXT, severity TEXT, message TEXT, triggered_at TEXT, resolved_at TEXT, status TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS service_status (service_name TEXT PRIMARY KEY, current_status TEXT, last_healthy TEXT, consecutive_failures INTEGER, uptime_percentage REAL, last_updated TEXT)")
    db.executemany("INSERT INTO health_checks (service_name, status, response_time, status_code, timestamp) VALUES ('interpreter', 'healthy', 0.1, 200, datetime('now', ?))", [(f"-{n} minutes",) for n in range(1, 101)])
while True:
    time.sleep(1)
END
echo '{"services": [{"name": "interpreter", "url": "http://localhost:5120/health", "critical": true}, {"name": "of_old", "url": "http://localhost:5999/"}]}' >/opt/llm-ecosystem/config/health_monitoring_config.json
cat >/etc/systemd/system/health-monitor.service <<'END'
[Unit]
Description=Automated Health Monitoring System
[Service]
User=llm-ecosystem
WorkingDirectory=/opt/llm-ecosystem
ExecStart=/usr/bin/python3 /opt/llm-ecosystem/scripts/monitoring/automated_health_monitoring.py --config config/health_monitoring_config.json
Restart=always
[Install]
WantedBy=multi-user.target
END
id llm-ecosystem >/dev/null 2>&1 || useradd -r -s /bin/false llm-ecosystem
chown -R llm-ecosystem:llm-ecosystem /opt/llm-ecosystem
systemctl daemon-reload && systemctl enable -q --now health-monitor
"""


def taken_over(machine: Machine) -> str:
    """Install over it: it is stopped only when somebody says so, and what it has is kept and used."""
    machine.must(PLANT)
    machine.wait("[ -s /opt/llm-ecosystem/health_monitoring.db ]", timeout_s=20)
    refused = machine.root(f"cd {PROJECT} && tools/install --no-docker </dev/null")
    assert refused.returncode == 3, refused.stdout
    assert "--replace-earlier" in refused.stderr, refused.stderr
    machine.must("systemctl is-active health-monitor && pgrep -f '[a]utomated_health_monitoring'")
    machine.must(f"cd {PROJECT} && tools/install --no-docker --replace-earlier")
    machine.must("! pgrep -f '[a]utomated_health_monitoring' && systemctl is-active health-monitor && ls /etc/systemd/system/health-monitor.service.before-healthmon")
    machine.must("cd / && healthmon report 2>/dev/null | jq -e '[.services[].service_name] == [\"interpreter\", \"of_old\"]'")
    history = "SELECT count(*) FROM health_checks WHERE service_name = 'interpreter' AND timestamp < datetime('now', '-2 minutes')"
    taken = machine.must(f'sudo -u llm-ecosystem sqlite3 -readonly /opt/llm-ecosystem/data/health_monitoring.db "{history}"')
    assert int(taken) >= 95, f"{taken} of 100 checks were taken over"
    machine.must(f"{PROJECT}/tools/install --uninstall --purge && rm -rf /opt/llm-ecosystem /etc/systemd/system/*.before-healthmon")
    return ""
