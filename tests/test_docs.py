"""What the documents for people must say, because the code says it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from healthmon.cli.main import VERBS
from healthmon.rules.defaults import DEFAULT_RULES
from healthmon.rules.variables import VARIABLES

TOP = Path(__file__).parents[1]
RULES = (TOP / "docs" / "rules.md").read_text(encoding="utf-8")
NAMES = RULES.partition("## Names")[2].partition("## The rules")[0]
README = (TOP / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_name_of_a_condition_is_explained_as_the_code_explains_it(name: str) -> None:
    [row] = [line for line in NAMES.splitlines() if line.startswith(f"| `{name}` |")]
    variable = VARIABLES[name]
    assert variable.meaning in row
    assert all(f"`{value}`" in row for value in variable.values)


def test_no_name_is_explained_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", NAMES, re.MULTILINE)) == set(VARIABLES)


def test_the_default_rules_are_those_of_the_code() -> None:
    table = RULES.partition("## The rules")[2]
    for rule in DEFAULT_RULES:
        assert f"| `{rule.name}` | `{rule.condition}` | {rule.severity.value} | {rule.duration_minutes:g} |" in table


@pytest.mark.parametrize("verb", sorted(verb for verb, about in VERBS.items() if about))
def test_every_command_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"healthmon {verb}\b|--{verb}\b", README), f"README.md does not name `healthmon {verb}`"


def test_the_tests_and_rows_of_the_traps_exist() -> None:
    traps = (TOP / "docs" / "traps.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (TOP / "tests").rglob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", traps))
    assert {name for name in named if f"def {name}(" not in sources} == set()
    rows = {name for listed in re.findall(r"\brows? ((?:F\d\d[\w-]*(?:, )?)+)", traps) for name in listed.split(", ") if name}
    assert len(rows) > 10
    assert {name for name in rows if f'@row("{name}"' not in sources} == set()


def test_the_tests_and_rows_that_prove_what_security_promises_exist() -> None:
    proofs = (TOP / "SECURITY.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (TOP / "tests").rglob("*.py"))
    rows = {name for listed in re.findall(r"`tools/faults ([^`]+)`", proofs) for name in listed.split()}
    assert len(rows) > 10
    assert {name for name in rows if f'@row("{name}"' not in sources} == set()
    assert {name for name in re.findall(r"\btests/[\w/]+(?:\.py)?", proofs) if not (TOP / name).exists()} == set()
    chosen = re.findall(r'`t (tests/\S+\.py) -k (?:"([^"]+)"|(\w+))', proofs)
    assert len(chosen) > 10
    for name, several, one in chosen:
        words = set((several or one).split()) - {"and", "or", "not"}
        found = re.findall(r"def (test_\w+)", (TOP / name).read_text(encoding="utf-8"))
        assert any(word in test for word in words for test in found), f"no test of {name} is called {several or one}"


def test_the_reference_is_what_the_code_says(tmp_path: Path) -> None:
    """Wherever it is written, and whoever writes it."""
    command = [sys.executable, str(TOP / "tools" / "references" / "reference.py"), "--check"]
    told = subprocess.run(command, cwd=tmp_path, env={"HEALTHMON_DATA_DIR": "/else"}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_the_table_of_history_is_what_was_measured(tmp_path: Path) -> None:
    shown = TOP / "docs" / "performance.md"
    made = tmp_path / "performance.md"
    made.write_bytes(shown.read_bytes())
    subprocess.run([sys.executable, str(TOP / "tools" / "benchmarks" / "history_table.py"), made, TOP / "docs" / "history.json"], check=True)
    assert made.read_text(encoding="utf-8") == shown.read_text(encoding="utf-8")
