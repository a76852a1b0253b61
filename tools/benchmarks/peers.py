"""What does each peer need written to ask the same services? As its own documentation has it, and as Debian ships it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from products import Task

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
CHECK_HTTP = "/usr/lib/nagios/plugins/check_http"
ICINGA2 = next(map(str, Path("/usr/lib").glob("*/icinga2/sbin/icinga2")), "icinga2")  # what /usr/sbin/icinga2, a script, runs
USER, GROUP = "root", "root"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def prometheus(task: Task) -> list[list[str]]:
    """Three processes, two alert rules, the module http_2xx of Debian's blackbox_exporter."""
    asked, told, kept = free_port(), free_port(), free_port()
    directory = task.directory
    targets = "\n".join(f"          - {url}" for url in task.urls)
    (directory / "rules.yml").write_text(
        """groups:
  - name: services
    rules:
      - alert: ServiceDown
        expr: probe_success == 0
        for: 1m
      - alert: ServiceSlow
        expr: probe_duration_seconds > 2
        for: 5m
""",
    )
    (directory / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    (directory / "prometheus.yml").write_text(
        f"""global:
  scrape_interval: {task.interval_s:g}s
  scrape_timeout: {min(10, task.interval_s):g}s
rule_files: [rules.yml]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{told}']}}]}}]
scrape_configs:
  - job_name: services
    metrics_path: /probe
    params: {{module: [http_2xx]}}
    static_configs:
      - targets:
{targets}
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: '127.0.0.1:{asked}'}}
""",
    )
    return [
        ["prometheus-blackbox-exporter", "--config.file=/etc/prometheus/blackbox.yml", f"--web.listen-address=127.0.0.1:{asked}"],
        [
            "prometheus-alertmanager", f"--config.file={directory / 'alertmanager.yml'}", f"--storage.path={directory / 'am'}",
            f"--web.listen-address=127.0.0.1:{told}", "--cluster.listen-address=",
        ],
        [
            "prometheus", f"--config.file={directory / 'prometheus.yml'}", f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{kept}",
        ],
    ]  # fmt: skip


def monit(task: Task) -> list[list[str]]:
    """One process that asks one service after the other."""
    checks = []
    for number, url in enumerate(task.urls):
        parts = urlsplit(url)
        checks.append(
            f'check host s{number} with address 127.0.0.1\n  if failed port {parts.port} protocol http request "{parts.path}" status = 200'
            " then alert\n",
        )
    conf = task.directory / "monitrc"
    conf.write_text(
        f"set daemon {task.interval_s:g}\nset log {task.directory / 'monit.log'}\nset pidfile {task.directory / 'monit.pid'}\n"
        f"set idfile {task.directory / 'monit.id'}\nset statefile {task.directory / 'monit.state'}\n" + "".join(checks),
    )
    conf.chmod(0o600)
    return [["monit", "-I", "-c", str(conf)]]


def nagios4(task: Task) -> list[list[str]]:
    """Debian's nagios.cfg, its paths turned here and its unit of time a second."""
    directory = task.directory
    (directory / "checkresults").mkdir()
    ours = {
        "log_file": directory / "nagios.log", "object_cache_file": directory / "objects.cache",
        "precached_object_file": directory / "objects.precache", "status_file": directory / "status.dat",
        "nagios_user": USER, "nagios_group": GROUP, "command_file": directory / "nagios.cmd", "lock_file": directory / "nagios.pid",
        "temp_file": directory / "nagios.tmp", "temp_path": directory, "log_archive_path": directory,
        "check_result_path": directory / "checkresults", "state_retention_file": directory / "retention.dat",
        "debug_file": directory / "nagios.debug", "interval_length": 1, "use_syslog": 0, "check_for_updates": 0,
        "resource_file": directory / "resource.cfg",
    }  # fmt: skip
    kept = [line for line in Path("/etc/nagios4/nagios.cfg").read_text().splitlines() if "=" in line and not line.startswith("#")]
    kept = [line for line in kept if line.split("=")[0] not in {*ours, "cfg_dir", "cfg_file"}]
    (directory / "resource.cfg").write_text(f"$USER1$={Path(CHECK_HTTP).parent}\n")
    services = [
        f"define service {{\n host_name here\n service_description s{number}\n check_command http!{urlsplit(url).port}!{urlsplit(url).path}\n"
        f" check_interval {task.interval_s:g}\n retry_interval {task.interval_s:g}\n max_check_attempts 3\n check_period always\n"
        " notification_period always\n notification_interval 0\n contacts nobody\n}\n"
        for number, url in enumerate(task.urls)
    ]
    (directory / "objects.cfg").write_text(
        "define command {\n command_name http\n command_line $USER1$/check_http -I 127.0.0.1 -p $ARG1$ -u $ARG2$\n}\n"
        "define command {\n command_name nothing\n command_line /bin/true\n}\n"
        "define timeperiod {\n timeperiod_name always\n alias always\n"
        + "".join(f" {day} 00:00-24:00\n" for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
        + "}\ndefine contact {\n contact_name nobody\n service_notification_period always\n host_notification_period always\n"
        " service_notification_commands nothing\n host_notification_commands nothing\n}\n"
        "define host {\n host_name here\n address 127.0.0.1\n max_check_attempts 3\n check_period always\n contacts nobody\n"
        " notification_interval 0\n notification_period always\n}\n" + "".join(services),
    )
    lines = [*kept, *(f"{name}={value}" for name, value in ours.items()), f"cfg_file={directory / 'objects.cfg'}"]
    (directory / "nagios.cfg").write_text("\n".join(lines) + "\n")
    return [["nagios4", str(directory / "nagios.cfg")]]


def icinga2(task: Task) -> list[list[str]]:
    """A checker and a log in a file; Icinga's own library of commands."""
    directory = task.directory
    for name in ("lib", "log", "cache", "spool", "run"):
        (directory / name).mkdir()
    services = "".join(
        f'object Service "s{number}" {{\n  host_name = "here"\n  check_command = "http"\n  check_interval = {task.interval_s:g}s\n'
        f'  retry_interval = {task.interval_s:g}s\n  vars.http_address = "127.0.0.1"\n  vars.http_port = {urlsplit(url).port}\n'
        f'  vars.http_uri = "{urlsplit(url).path}"\n}}\n'
        for number, url in enumerate(task.urls)
    )
    conf = directory / "icinga2.conf"
    conf.write_text(
        f'const PluginDir = "{Path(CHECK_HTTP).parent}"\nconst NodeName = "here"\ninclude <itl>\ninclude <plugins>\n'
        f'object CheckerComponent "checker" {{ }}\nobject FileLogger "log" {{ severity = "information"\n path = "{directory / "log" / "icinga2.log"}" }}\n'
        'object Host "here" { check_command = "dummy"\n vars.dummy_state = 0\n check_interval = 1h }\n' + services,
    )
    where = {
        "DataDir": "lib", "LogDir": "log", "CacheDir": "cache", "SpoolDir": "spool", "InitRunDir": "run", "PidPath": "run/icinga2.pid",
        "StatePath": "lib/icinga2.state", "ModAttrPath": "lib/modified-attributes.conf", "ObjectsPath": "cache/icinga2.debug", "VarsPath": "cache/icinga2.vars",
    }  # fmt: skip
    defines = [f"-DConfiguration.{name}={directory / path}" for name, path in where.items()]
    return [[ICINGA2, "daemon", "-c", str(conf), *defines, f"-DConfiguration.RunAsUser={USER}", f"-DConfiguration.RunAsGroup={GROUP}"]]


