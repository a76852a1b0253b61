"""The shape of the code, stated once: imports go down only, hands stay apart, and each thing has one home."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "healthmon"

# From the ground up. A module belongs to the layer of its longest prefix, and imports only from its own layer or from
# those before it.
LAYERS: list[tuple[str, tuple[str, ...]]] = [
    ("ground", ("__init__", "errors", "clock", "clock_step", "paths", "log", "log_file", "log_journal", "log_level", "installation", "settings", "failpoints", "unix_rpc", "letterbox", "person", "redaction", "spelling", "loading", "memo", "child_process", "command_settings")),
    ("model", ("model",)),
    (
        "decisions",
        (
            "status",
            "rules",
            "alerts",
            "history",
            "notify.__init__",
            "notify.settings",
            "notify.policy",
            "notify.decision",
            "notify.grouping",
            "notify.talk",
            "notify.of_alert",
            "notify.batches",
            "notify.routes",
            "notify.cause",
            "notify.channels",
            "notify.wording",
            "notify.paragraphs",
            "notify.message",
            "notify.titles",
            "notify.moves",
            "notify.envelope",
            "notify.payloads",
            "notify.backlog",
            "notify.retry",
            "notify.alertmanager_batch",
            "notify.alertmanager_pace",
            "web.__init__",
            "web.settings",
            "web.hosts",
            "watch.policy",
            "watch.wellbeing",
            "watch.settings",
            "watch.__init__",
            "heal.__init__",
            "heal.settings",
            "heal.policy",
            "heal.decision",
            "heal.situation",
            "heal.gave_up",
            "heal.gates",
            "heal.explain",
            "heal.reach",
            "heal.budget",
            "heal.order",
            "heal.storm",
            "heal.replay",
            "heal.replay_life",
            "heal.pressure",
            "heal.signature",
            "heal.learning",
            "heal.rearming",
            "heal.words",
            "heal.requested",
            "heal.hook_settings",
            "heal.hook_environment",
            "heal.preflight",
            "heal.starting",
            "heal.labels",
            "heal.network_sharers",
            "heal.docker_check",
            "heal.off_limits",
            "heal.outcome",
            "heal.verification",
            "heal.matching",
            "heal.interest",
            "heal.docker_words",
            "heal.docker_events",
            "heal.docker_health",
            "heal.docker_facts",
            "heal.docker_network",
            "heal.docker_stops",
            "heal.docker_target",
            "heal.condition",
            "heal.compose_dependencies",
            "heal.docker_logs",
            "heal.docker_usage",
            "heal.forensics",
            "heal.docker_forensics",
            "probes.settings",
            "probes.expect_settings",
            "probes.schedule",
            "probes.lanes",
            "probes.expectation",
            "probes.plugin",
            "probes.kinds",
            "probes.local_settings",
        ),
    ),
    ("hands", ("store", "probes", "heal", "watch", "notify")),
    ("config", ("applied", "config", "config_changes", "config_source", "service_settings", "secrets")),
    ("processes", ("processes", "answers", "web")),
    ("demo", ("demo", "drill")),
    ("cli", ("cli", "doctor", "__main__")),
]
ORDER = [name for name, _ in LAYERS]

# What touches the world stays apart from what else does: a hand knows its own world only.
HANDS = ("store", "probes", "heal", "watch", "notify")
PROCESSES = (
    "processes.evaluator",
    "processes.healer",
    "processes.keeper",
    "processes.notifier",
    "processes.prober",
    "processes.web",
)

# One home each.
HOMES = {
    "apsw": {"store"},
    "requests": {"probes", "notify.http_post", "watch.dead_man", "heal.docker_answer", "heal.docker_client", "heal.docker_connection", "demo"},
    "urllib3": {"probes", "notify.http_post", "heal.docker_answer", "heal.docker_client", "heal.docker_connection", "heal.docker_stream"},
    "docker": {"heal.docker_client", "heal.docker_connection", "heal.docker_stream", "demo.containers"},
    "supervisor": {"processes.supervisord", "processes.programs", "cli.ctl"},
    "yaml": {"config_source.yaml_text"},
    "apprise": {"notify.apprise_sender"},
    "psutil": {"watch.host", "probes.process", "probes.host"},
    "rich": {"cli", "demo"},
    "click": {"cli"},
    "starlette": {"web"},
    "uvicorn": {"web.serving", "web.patience"},
    "jinja2": {"web.pages"},
}
OUTSIDE_WORLD = {"os", "socket", "subprocess", "threading", "time", "select", "selectors", "asyncio", "random"}
SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.DOTALL)


def modules() -> list[str]:
    return sorted(_name(path) for path in PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / (module.replace(".", "/") + ".py")).read_text())


def layer(module: str) -> str:
    fitting = [(len(prefix), name) for name, prefixes in LAYERS for prefix in prefixes if f"{module}.".startswith(f"{prefix}.")]
    assert fitting, f"{module} belongs to no layer: say in LAYERS where it stands"
    return max(fitting)[1]


def imports(module: str) -> Iterator[str]:
    """Yield the full names of all that a module imports, also inside functions."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(module: str) -> Iterator[str]:
    """Yield the modules of ours that a module imports."""
    known = set(modules())
    for name in imports(module):
        inner = name.removeprefix("healthmon.")
        if inner == name:
            continue
        outer = inner.rpartition(".")[0]
        candidates = (inner, f"{inner}.__init__", outer, f"{outer}.__init__")
        found = [candidate for candidate in candidates if candidate in known]
        if found:
            yield found[0]


@pytest.mark.parametrize("module", modules())
def test_imports_go_down_only(module: str) -> None:
    upward = [found for found in ours(module) if ORDER.index(layer(found)) > ORDER.index(layer(module))]
    assert upward == []


@pytest.mark.parametrize("module", [module for module in modules() if layer(module) == "hands"])
def test_hands_never_import_each_other(module: str) -> None:
    own = module.partition(".")[0]
    others = [found for found in ours(module) if layer(found) == "hands" and found.partition(".")[0] in set(HANDS) - {own}]
    assert others == []


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_imports_another(process: str) -> None:
    mine = [module for module in modules() if module.startswith(process)]
    assert mine != []
    others = tuple(set(PROCESSES) - {process})
    assert [found for module in mine for found in ours(module) if found.startswith(others)] == []


@pytest.mark.parametrize("module", [module for module in modules() if layer(module) in {"model", "decisions"} or module.startswith("web.views.")])
def test_decisions_do_no_io_and_never_read_the_clock(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports(module)}
    assert roots & OUTSIDE_WORLD == set()
    calls = [ast.unparse(node.func) for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    assert [call for call in calls if call in {"open", "clock.now", "datetime.now", "clock.monotonic"}] == []


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_has_one_home(library: str) -> None:
    users = {module for module in modules() for name in imports(module) if name.partition(".")[0] == library}
    strangers = {user for user in users if not any(user == home or user.startswith(home + ".") for home in HOMES[library])}
    assert users, f"nothing uses {library} any more: take it out of HOMES"
    assert strangers == set()


@pytest.mark.parametrize("module", [module for module in modules() if not module.startswith("store.")])
def test_sql_is_written_in_the_store_alone(module: str) -> None:
    texts = [node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    shown = {"demo.story", "demo.show"}  # the demo shows people the document's query
    assert [text for text in texts if SQL.search(text)] == [] or module in shown


def test_every_module_says_which_question_it_answers() -> None:
    assert [module for module in modules() if not ast.get_docstring(tree(module))] == []
